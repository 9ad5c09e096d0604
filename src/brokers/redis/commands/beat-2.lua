-- Gives signs of life of consumers, and tells those of all consumers of the group.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, then consumers
-- Output: consumer and its last sign of life, flat
if missing(ARGV[1]) ~= 0 then return {} end
local beats = topic .. ':beats:' .. ARGV[1]
call('HDEL', beats, '')
for i = 2, #ARGV do call('HSET', beats, ARGV[i], call('HINCRBY', topic, 'beat', 1)) end
return call('HGETALL', beats)
