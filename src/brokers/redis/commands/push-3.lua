-- Publishes messages in order, up to the first that finds the topic full.
-- KEYS: 1 topic, 2 trash, 3 set of topics
-- ARGV: 1 name, 2 dedupe window, 3 default of maxBytes,
--       then 8 a message: id, time, meta, payload or '', blob key or '', payload length, bytes, token
-- Output: [1] seqs, negative where the id was known, 0 where the topic was full (and for all after it)
--         [2] blob keys to delete; [3] onFull; [4] maxBytes
local head, bytes, maxBytes, onFull, kept, groups =
  unpack(call('HMGET', topic, 'head', 'bytes', 'maxBytes', 'onFull', 'kept', 'groups'))
if not head then
  call('SADD', KEYS[3], ARGV[1])
  call('HSET', topic, 'head', 0, 'bytes', 0, 'maxBytes', ARGV[3], 'onFull', 'wait', 'kept', 1, 'declared', 1)
  head, bytes, maxBytes, onFull, kept, groups = 0, 0, ARGV[3], 'wait', 1, false
end
head, bytes, kept = tonumber(head), tonumber(bytes), tonumber(kept)
local limit = tonumber(maxBytes)
local hasGroups = groups and groups ~= ''

local window = tonumber(ARGV[2])
local ids, idList = topic .. ':ids', topic .. ':window'
local count = (#ARGV - 3) / 8
local batch = {}
for i = 1, count do batch[i] = ARGV[8 * i - 4] end
local known = fetch(ids, batch)
local age = call('LLEN', idList)
-- The ids that this call may have to forget.
local oldest = age + count > window and call('LRANGE', idList, 0, age + count - window - 1) or {}
local forget, fresh = 0, {}
local seqOf = {}
for i = 1, count do
  if known[i] then seqOf[batch[i]] = known[i] end
end

local results, trash, kill, published = {}, {}, {}, false
local full = false
for i = 1, count do
  local at = 8 * i - 4
  local id, blob = ARGV[at], ARGV[at + 4]
  local before = not full and seqOf[id]
  if full then
    results[i] = 0
  elseif before then
    local seq, token = string.match(before, '^(%d+):(.*)$')
    -- The same token: this publish itself came through before, and its reply was lost.
    results[i] = token == ARGV[at + 7] and tonumber(seq) or -tonumber(seq)
    if blob ~= '' and call('HEXISTS', blobs, blob) == 0 then
      call('SADD', KEYS[2], blob)
      trash[#trash + 1] = blob
    end
  elseif hasGroups and bytes >= limit then
    full = true
    results[i] = 0
    call('HSET', topic, 'ring:space', 1)
  else
    head = head + 1
    bytes = bytes + ARGV[at + 6]
    results[i] = head
    published = true
    local value = head .. ':' .. ARGV[at + 7]
    if blob == '' then
      call('XADD', log, head .. '-0', 'id', id, 'time', ARGV[at + 1], 'meta', ARGV[at + 2], 'body', ARGV[at + 3])
      call('HSET', size, head, ARGV[at + 6])
    else
      call('XADD', log, head .. '-0', 'id', id, 'time', ARGV[at + 1], 'meta', ARGV[at + 2], 'blob', blob, 'length', ARGV[at + 5])
      call('HSET', size, head, ARGV[at + 6] .. ' ' .. blob)
      call('HINCRBY', blobs, blob, 1)
    end
    call('HSET', ids, id, value)
    call('RPUSH', idList, id)
    seqOf[id] = value
    fresh[#fresh + 1] = id
    age = age + 1
    if age > window then
      forget = forget + 1
      local gone = oldest[forget] or fresh[forget - #oldest]
      seqOf[gone] = nil
      call('HDEL', ids, gone)
      call('LPOP', idList)
      age = age - 1
    end
    if hasGroups then
      if kept > 0 and head > kept then
        call('HSET', topic, 'bytes', bytes)
        free({ head - kept }, groups, trash)
        bytes = tonumber(call('HGET', topic, 'bytes'))
      end
    elseif head > kept then
      kill[#kill + 1] = head - kept
    end
  end
end
if published then
  call('HSET', topic, 'head', head, 'bytes', string.format('%d', bytes))
  free(kill, groups, trash)
  ring('message')
end
return { results, trash, onFull, maxBytes }
