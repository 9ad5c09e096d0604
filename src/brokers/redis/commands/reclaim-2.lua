-- Frees some of the messages that a dropped group alone needed. Goes on where the last such call ended, whoever made it.
-- KEYS: 1 topic, 2 trash
-- Output: [1] whether there may be more (1 or 0); [2] blob keys to delete
local position = call('HGET', topic, 'reclaim')
if not position then return { 0, {} } end
call('HDEL', topic, 'reclaim')
local after, found = unpack(call('HSCAN', log, position, 'COUNT', 500))
local seqs, seen, trash = {}, {}, {}
for i = 1, #found, 2 do
  -- A scan may tell a field twice.
  if not seen[found[i]] then
    seen[found[i]] = true
    seqs[#seqs + 1] = found[i]
  end
end
local head, kept, groups, retain = unpack(call('HMGET', topic, 'head', 'kept', 'groups', 'retainBytes'))
free(older(seqs, tonumber(head), tonumber(kept)), groups, trash, retain)
if after == '0' then return { 0, trash } end
call('HSET', topic, 'reclaim', after)
return { 1, trash }
