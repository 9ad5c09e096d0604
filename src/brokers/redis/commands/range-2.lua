-- Reads what a topic stores, in order. Changes nothing.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 seq behind which it begins, 2 and 3 the earliest and the latest time of a message in ms since the epoch,
--       4 most messages, 5 most bytes (but at least one message), 6 how many to look at
-- Output: [1] 0, or 1 for an unknown topic; [2] whether the topic retains what nobody needs (1 or 0); [3] seq behind
--         which the next page begins, or 0 for the end; [4] seq and record, flat
local after, from, to = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most, maxBytes, looks = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local declared, head, kept, groups, retain = unpack(call('HMGET', topic, 'declared', 'head', 'kept', 'groups', 'retainBytes'))
if not declared then return { 1, 0, 0, {} } end
local retains = retain and retain ~= '0' and 1 or 0
head = tonumber(head)

-- What may be stored: what nobody needs, what groups have open, and all from the first on that one of them has not read
-- or that is among the newest.
local seqs, seen = {}, {}
local function add(seq)
  if seq <= after or seen[seq] then return end
  seen[seq] = true
  seqs[#seqs + 1] = seq
end
for _, seq in ipairs(call('ZRANGEBYSCORE', topic .. ':spare', '(' .. ARGV[1], '+inf', 'LIMIT', 0, looks)) do add(tonumber(seq)) end
local first = head - tonumber(kept or 0) + 1
for group in gmatch(groups or '', '%S+') do
  first = math.min(first, tonumber(call('HGET', topic, 'g:' .. group .. ':cursor')) + 1)
  local open = call('HGETALL', topic .. ':open:' .. group)
  for i = 1, #open, 2 do add(tonumber(open[i])) end
end
first = math.max(first, after + 1)
for seq = first, math.min(head, first + looks - 1) do add(seq) end
table.sort(seqs)
local more = #seqs > looks
for i = #seqs, looks + 1, -1 do seqs[i] = nil end
-- Those that were read off in order go on behind the last one looked at.
more = more or #seqs == looks

local names = {}
for i, seq in ipairs(seqs) do names[i] = format('%d', seq) end
local found, count, bytes, last = {}, 0, 0, after
for i, record in ipairs(#names > 0 and fetch(log, names) or {}) do
  local time = record and timeOf(record)
  if time and time >= from and time <= to then
    bytes = bytes + headOf(record)
    if count == most or (count > 0 and bytes > maxBytes) then return { 0, retains, last, found } end
    count = count + 1
    found[2 * count - 1], found[2 * count] = names[i], record
  end
  last = seqs[i]
end
return { 0, retains, more and last or 0, found }
