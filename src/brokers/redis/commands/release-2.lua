-- Makes what a consumer has open due at once: for itself, or because it was found dead.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 the sign of life that the caller knows of a dead consumer, or '',
--       4 whether seqs follow that it is limited to (1 or 0), then seqs
-- Output: 0, or 1 for an unknown topic, 2 for an unknown group
local group, consumer = ARGV[1], ARGV[2]
local lacking = missing(group)
if lacking ~= 0 then return lacking end
local open, due, beats = topic .. ':open:' .. group, topic .. ':due:' .. group, topic .. ':beats:' .. group
if ARGV[3] ~= '' then
  if call('HGET', beats, consumer) ~= ARGV[3] then return 0 end
  call('HDEL', beats, consumer)
end

local wanted = {}
for i = 5, #ARGV do wanted[ARGV[i]] = true end
call('HDEL', open, 'none')
local all = call('HGETALL', open)
local released = false
for i = 1, #all, 2 do
  local token, owner = match(all[i + 1], '^(%d+):(.*)$')
  if owner == consumer and (ARGV[4] == '0' or wanted[all[i]]) then
    -- What is handed back was not tried: one delivery less, one hand-back more (token.ts).
    if ARGV[3] == '' then token = format('%d', token - 1 + 65536) end
    call('HSET', open, all[i], token .. ':')
    call('ZADD', due, 0, all[i])
    released = true
  end
end
if released then ring('message', 'settled') end
return 0
