-- Whether a topic that was full has room again.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 whether a server is short of memory: then some of what nobody needs is freed (1 or 0)
-- Output: [1] 1 or 0; [2] onFull; [3] maxBytes; [4] blob keys to delete; [5] how many were freed
local fields = call('HMGET', topic, 'bytes', 'maxBytes', 'onFull', 'groups', 'spareBytes')
local bytes, maxBytes, onFull, groups, spareBytes = unpack(fields)
local trash, freed = {}, 0
if ARGV[1] == '1' and call('EXISTS', topic .. ':spare') == 1 then
  -- The first write can't take memory; enough for the next message, or the look after that.
  call('HDEL', topic, 'none')
  freed = trim(trash, nil, 16)
end
local full = groups and groups ~= '' and tonumber(bytes) - (tonumber(spareBytes) or 0) >= tonumber(maxBytes)
if not full then return { 1, onFull or 'wait', maxBytes or '0', trash, freed } end
call('HDEL', topic, 'none')
call('HSET', topic, 'ring:space', 1)
return { 0, onFull, maxBytes, trash, freed }
