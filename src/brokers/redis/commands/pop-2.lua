-- Takes messages of a group for a consumer: first those due for redelivery, then new ones.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 count, 4 strict (1 or 0), 5 bytes to take at most (but at least one message),
--       6 whether to be woken when there is more (1 or 0),
--       7 whether to take back what the consumer has open, but for the seqs that follow (1 or 0)
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] ms until the next redelivery is due, or -1;
--         [3] redelivered, flat: seq, token, record; [4] seq of the first new message; [5] records of new messages in
--         order, each on its first attempt; [6] without any, ringsFor, or -1 where nobody waits
local group, consumer, count, strict = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
-- Read at once: of the time that a pop takes here, most is that of the calls.
local fields = call('HMGET', topic, 'declared', 'g:' .. group .. ':cursor', 'head', 'bytes', 'beat', 'ring:message')
local declared, cursor, head, bytes, beat, rung = unpack(fields)
if not cursor then return { declared and 2 or 1, -1, {}, 0, {} } end
call('HDEL', topic, 'none')

local open, due = topic .. ':open:' .. group, topic .. ':due:' .. group
local beats = topic .. ':beats:' .. group

if ARGV[7] == '1' then
  local held = {}
  for i = 8, #ARGV do held[ARGV[i]] = true end
  local all = call('HGETALL', open)
  local back = false
  for i = 1, #all, 2 do
    local token, owner = match(all[i + 1], '^(%d+):(.*)$')
    if owner == consumer and not held[all[i]] then
      call('HSET', open, all[i], token .. ':')
      call('ZADD', due, 0, all[i])
      back = true
    end
  end
  if back then
    ring('message')
    rung = false
  end
end

local waiting = call('EXISTS', due) == 1
local time = waiting and now()

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
elseif waiting then
  for _, seq in ipairs(call('ZRANGEBYSCORE', due, '-inf', time)) do again[#again + 1] = tonumber(seq) end
  table.sort(again)
end

local limit, taken = tonumber(ARGV[5]), 0
local large = tonumber(bytes) > limit
-- Whether a further message fits into the reply, where they do not all.
local function fits(record, first)
  taken = taken + headOf(record)
  return first or taken <= limit
end

local old, values, removed = {}, {}, {}
for i, seq in ipairs(again) do
  if i > count then break end
  local record = call('HGET', log, seq)
  if large and not fits(record, i == 1) then
    count = i - 1
    break
  end
  local token = tonumber(match(call('HGET', open, seq), '^%d+')) + 1
  old[3 * i - 2], old[3 * i - 1], old[3 * i] = seq, token, record
  values[#values + 1] = seq
  values[#values + 1] = token .. ':' .. consumer
  removed[#removed + 1] = seq
end

local fresh, first = {}, 0
if not blocked and #removed < count then
  first = tonumber(cursor) + 1
  local wanted = {}
  for i = 1, math.min(head - cursor, count - #removed) do wanted[i] = format('%d', cursor + i) end
  if #wanted > 0 then
    fresh = fetch(log, wanted)
    local value, n = '1:' .. consumer, #values
    for i = 1, #wanted do
      if large and not fits(fresh[i], i + #removed == 1) then
        for extra = #wanted, i, -1 do fresh[extra] = nil end
        break
      end
      values[n + 1], values[n + 2] = wanted[i], value
      n = n + 2
    end
    if #fresh > 0 then cursor = wanted[#fresh] end
  end
end

if #values > 0 or ARGV[7] == '1' then
  local sign = format('%d', (tonumber(beat) or 0) + 1)
  call('HSET', topic, 'beat', sign, 'g:' .. group .. ':cursor', cursor)
  call('HSET', beats, consumer, sign)
end
if #values > 0 then
  -- A small hash of short fields is a list, which Redis goes through for each of them, here and when they are settled: of
  -- 100 messages, that is a tenth of all its time. A long field makes it a table.
  local long = #values > 64 and string.rep('-', 65)
  if long then call('HSET', open, long, '') end
  write('HSET', open, values)
  if long then call('HDEL', open, long) end
  write('ZREM', due, removed)
  return { 0, -1, old, first, fresh }
end
local rings = -1
if ARGV[6] == '1' then
  rings = ringsFor(beats)
  if not rung then call('HSET', topic, 'ring:message', 1) end
  if blocked then call('HSET', topic, 'ring:settled', 1) end
end
local first = waiting and call('ZRANGE', due, 0, 0, 'WITHSCORES') or {}
local wait = -1
if first[2] then wait = math.max(0, math.ceil(tonumber(first[2]) - time)) end
if wait == 0 then wait = -1 end
return { 0, wait, {}, 0, {}, rings }
