-- Takes the newest message for a reader.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 reader, 2 consumer, 3 token of the take, 4 whether its message is gone or damaged (1 or 0),
--       5 whether to be woken when there is a newer one (1 or 0)
-- A token that comes again says that its take was not used: its reply was lost, or its payload out of reach. The take
-- then moves on to the newest message, or stays. So each take is counted once.
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown reader; [2] seq; [3] record, or nil; [4] how many right before it
--         were passed over by this call; [5] without any, ringsFor, or -1 where nobody waits
local reader, consumer, token = 'r:' .. ARGV[1], ARGV[2], ARGV[3]
local declared, head, cursor = unpack(call('HMGET', topic, 'declared', 'head', reader .. ':cursor'))
if not cursor then return { declared and 2 or 1, 0, false } end
call('HDEL', topic, 'none')
head, cursor = tonumber(head), tonumber(cursor)
local takes = topic .. ':takes:' .. ARGV[1]

local before, seq = match(call('HGET', takes, consumer) or '', '^(%S+) (%d+)$')
local unused = before == token
local newest = head > cursor and call('HGET', log, head)
if newest then
  call('HSET', topic, reader .. ':cursor', head)
  call('HINCRBY', topic, reader .. ':skipped', head - cursor - 1 + (unused and 1 or 0))
  if not unused then call('HINCRBY', topic, reader .. ':delivered', 1) end
  call('HSET', takes, consumer, token .. ' ' .. head)
  return { 0, head, newest, head - cursor - 1 }
end
if unused then
  local same = ARGV[4] == '0' and tonumber(seq) == cursor and call('HGET', log, seq)
  if same then return { 0, cursor, same } end
  call('HDEL', takes, consumer)
  call('HINCRBY', topic, reader .. ':delivered', -1)
  call('HINCRBY', topic, reader .. ':skipped', 1)
end
if ARGV[5] == '0' then return { 0, 0, false, 0, -1 } end
call('HSET', topic, 'ring:message', 1)
return { 0, 0, false, 0, ringsFor(takes) }
