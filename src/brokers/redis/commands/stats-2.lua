-- Counts of a topic.
-- KEYS: 1 topic, 2 trash
-- Output: [1] the topic's hash, flat; [2] stored messages; [3] dead letters; [4] group and its open messages, flat
local open = {}
for group in gmatch(call('HGET', topic, 'groups') or '', '%S+') do
  open[#open + 1] = group
  open[#open + 1] = call('HLEN', topic .. ':open:' .. group)
end
return { call('HGETALL', topic), call('HLEN', log), call('XLEN', topic .. ':dead'), open }
