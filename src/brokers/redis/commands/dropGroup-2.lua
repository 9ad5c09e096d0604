-- Forgets a group. What only it needed is freed afterwards, in steps: by reclaim. After once.lua.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 token of the call
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] how many of its messages were not settled
local group = ARGV[1]
local before = answered(ARGV[2])
if before then return { 0, before } end
local lacking = missing(group)
if lacking ~= 0 then return { lacking, 0 } end

local name = 'g:' .. group
local head, cursor, groups, readers = unpack(call('HMGET', topic, 'head', name .. ':cursor', 'groups', 'readers'))
local unsettled = head - cursor + call('HLEN', topic .. ':open:' .. group)
call('HDEL', topic, name .. ':start', name .. ':cursor', name .. ':acked', name .. ':dead')
-- Another thread of the server frees them.
for _, kind in ipairs({ ':open:', ':due:', ':failed:', ':beats:' }) do call('UNLINK', topic .. kind .. group) end
local rest = ''
for other in gmatch(groups, '%S+') do
  if other ~= group then rest = rest .. ' ' .. other end
end
call('HSET', topic, 'groups', rest, 'kept', keptNewest(rest, readers), 'reclaim', '0')
ring('message', 'space', 'settled')
return { 0, answer(ARGV[2], unsettled) }
