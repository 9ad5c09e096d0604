-- Takes messages of a group for a consumer: first those due for redelivery, then new ones.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 count, 4 strict (1 or 0), 5 bytes to take at most (but at least one message),
--       6 whether to be woken when there is more (1 or 0),
--       7 whether to take back what the consumer has open, but for the seqs that follow (1 or 0)
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] ms until the next redelivery is due, or -1;
--         [3] redelivered: attempt and entry; [4] new entries, each on its first attempt
local group, consumer, count, strict = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local lacking = missing(group)
if lacking ~= 0 then return { lacking, -1, {}, {} } end
call('HDEL', topic, 'none')

local open, due = topic .. ':open:' .. group, topic .. ':due:' .. group
local beats = topic .. ':beats:' .. group
local time = now()

if ARGV[7] == '1' then
  local held = {}
  for i = 8, #ARGV do held[ARGV[i]] = true end
  local all = call('HGETALL', open)
  for i = 1, #all, 2 do
    local attempt, owner = string.match(all[i + 1], '^(%d+):(.*)$')
    if owner == consumer and not held[all[i]] then
      call('HSET', open, all[i], attempt .. ':')
      call('ZADD', due, 0, all[i])
    end
  end
end

local again, blocked = {}, false
if strict then
  local all = call('HGETALL', open)
  local seqs, state = {}, {}
  for i = 1, #all, 2 do
    local seq = tonumber(all[i])
    seqs[#seqs + 1] = seq
    state[seq] = all[i + 1]
  end
  table.sort(seqs)
  for _, seq in ipairs(seqs) do
    if #again >= count then break end
    local score = call('ZSCORE', due, seq)
    if not score or tonumber(score) > time then
      blocked = true
      break
    end
    again[#again + 1] = seq
  end
else
  for _, seq in ipairs(call('ZRANGEBYSCORE', due, '-inf', time)) do again[#again + 1] = tonumber(seq) end
  table.sort(again)
end

local limit, taken = tonumber(ARGV[5]), 0
-- How many of the messages fit into the reply.
local function fitting(seqs)
  local sizes = fetch(size, seqs)
  for i = 1, #seqs do
    taken = taken + tonumber(string.match(sizes[i] or '0', '^%d+'))
    if taken > limit and i + #again > 1 then return i - 1 end
  end
  return #seqs
end
local large = tonumber(call('HGET', topic, 'bytes')) > limit

local old, values, removed = {}, {}, {}
for i, seq in ipairs(again) do
  if i > count then break end
  if large and i > 1 then
    taken = taken + tonumber(string.match(call('HGET', size, seq) or '0', '^%d+'))
    if taken > limit then
      blocked = true
      break
    end
  end
  local attempt = tonumber(string.match(call('HGET', open, seq), '^%d+')) + 1
  old[i] = { attempt, call('XRANGE', log, seq .. '-0', seq .. '-0')[1] }
  values[#values + 1] = seq
  values[#values + 1] = attempt .. ':' .. consumer
  removed[#removed + 1] = seq
end

local fresh = {}
if not blocked and #old < count then
  local head, cursor = unpack(call('HMGET', topic, 'head', 'g:' .. group .. ':cursor'))
  head, cursor = tonumber(head), tonumber(cursor)
  local last = math.min(head, cursor + count - #old)
  if last > cursor then
    if large then
      local seqs = {}
      for seq = cursor + 1, last do seqs[#seqs + 1] = seq end
      last = cursor + fitting(seqs)
    end
    if last > cursor then
      fresh = call('XRANGE', log, (cursor + 1) .. '-0', last .. '-0')
      for seq = cursor + 1, last do
        values[#values + 1] = seq
        values[#values + 1] = '1:' .. consumer
      end
      call('HSET', topic, 'g:' .. group .. ':cursor', last)
    end
  end
end

if #values > 0 or ARGV[7] == '1' then call('HSET', beats, consumer, call('HINCRBY', topic, 'beat', 1)) end
if #values > 0 then
  write('HSET', open, values)
  write('ZREM', due, removed)
  return { 0, -1, old, fresh }
end
if ARGV[6] == '1' then
  call('HSET', topic, 'ring:message', 1)
  if blocked then call('HSET', topic, 'ring:settled', 1) end
end
local first = call('ZRANGE', due, 0, 0, 'WITHSCORES')
local wait = -1
if first[2] then wait = math.max(0, math.ceil(tonumber(first[2]) - time)) end
if wait == 0 then wait = -1 end
return { 0, wait, {}, {} }
