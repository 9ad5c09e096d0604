-- Forgets a reader. What only it needed is freed afterwards, in steps: by reclaim.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 reader
-- Output: 0, or 1 for an unknown topic
local declared, groups, readers = unpack(call('HMGET', topic, 'declared', 'groups', 'readers'))
if not declared then return 1 end

local name = 'r:' .. ARGV[1]
call('HDEL', topic, name .. ':start', name .. ':cursor', name .. ':delivered', name .. ':skipped')
call('UNLINK', topic .. ':takes:' .. ARGV[1])
local rest = ''
for other in gmatch(readers or '', '%S+') do
  if other ~= ARGV[1] then rest = rest .. ' ' .. other end
end
call('HSET', topic, 'readers', rest, 'kept', keptNewest(groups, rest), 'reclaim', '0')
ring('space')
return 0
