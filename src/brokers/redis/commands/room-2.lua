-- Whether a topic that was full has room again.
-- KEYS: 1 topic, 2 trash
-- Output: [1] 1 or 0; [2] onFull; [3] maxBytes
local bytes, maxBytes, onFull, groups = unpack(call('HMGET', topic, 'bytes', 'maxBytes', 'onFull', 'groups'))
if not groups or groups == '' or tonumber(bytes) < tonumber(maxBytes) then return { 1, onFull or 'wait', maxBytes or '0' } end
call('HDEL', topic, 'none')
call('HSET', topic, 'ring:space', 1)
return { 0, onFull, maxBytes }
