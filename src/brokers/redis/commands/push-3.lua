-- Publishes messages in order, up to the first that finds the topic full.
-- KEYS: 1 topic, 2 trash, 3 set of topics
-- ARGV: 1 name, 2 dedupe window, 3 default of maxBytes, then id and record a message; at most as many as the window
-- Output: [1] seqs, negative where the id was known, 0 where the topic was full (and for all after it);
--         [2] blob keys to delete
local head, bytes, maxBytes, kept, groups = unpack(call('HMGET', topic, 'head', 'bytes', 'maxBytes', 'kept', 'groups'))
if not head then
  call('SADD', KEYS[3], ARGV[1])
  call('HSET', topic, 'head', 0, 'bytes', 0, 'maxBytes', ARGV[3], 'onFull', 'wait', 'kept', 1, 'declared', 1)
  head, bytes, maxBytes, kept, groups = 0, 0, ARGV[3], 1, ''
end
head, bytes, maxBytes, kept = tonumber(head), tonumber(bytes), tonumber(maxBytes), tonumber(kept)
local hasGroups = groups and groups ~= ''

-- Known ids: those of before, in `known`, until this call forgets them; and those of this call, in `added`.
local ids, idList = topic .. ':ids', topic .. ':window'
local batch, count = {}, (#ARGV - 3) / 2
for i = 1, count do batch[i] = ARGV[2 * i + 2] end
local known, added, forgotten = fetch(ids, batch), {}, {}
local space = tonumber(ARGV[2]) - call('LLEN', idList)
local oldest = count > space and call('LRANGE', idList, 0, count - space - 1) or {}

local results, trash = {}, {}
local records, values, new = {}, {}, {}
local n, dropped, full = 0, 0, false
for i = 1, count do
  local id, record = batch[i], ARGV[2 * i + 3]
  local size, blob, token = match(record, '^(%d+) (%S*) (%S*)')
  local before = added[id] or (not forgotten[id] and known[i])
  if full then
    results[i] = 0
  elseif before then
    local seq, publisher = match(before, '^(%d+):(.*)$')
    -- The same token: this publish itself came through before, and its reply was lost.
    results[i] = publisher == token and tonumber(seq) or -seq
    if blob ~= '' and call('HEXISTS', blobs, blob) == 0 then
      call('SADD', KEYS[2], blob)
      trash[#trash + 1] = blob
    end
  elseif hasGroups and bytes >= maxBytes then
    full = true
    results[i] = 0
    call('HSET', topic, 'ring:space', 1)
  else
    n = n + 1
    head = head + 1
    bytes = bytes + size
    results[i] = head
    local seq = format('%d', head)
    local value = seq .. ':' .. token
    local last = #records
    records[last + 1], records[last + 2] = seq, record
    values[2 * n - 1], values[2 * n] = id, value
    new[n] = id
    added[id] = value
    if blob ~= '' then call('HINCRBY', blobs, blob, 1) end
    while dropped < n - space do
      dropped = dropped + 1
      if oldest[dropped] then forgotten[oldest[dropped]] = true end
    end
    if hasGroups and kept > 0 and head > kept then
      -- What it frees counts for the next message.
      write('HSET', log, records)
      records = {}
      call('HSET', topic, 'bytes', format('%d', bytes))
      free({ format('%d', head - kept) }, groups, trash)
      bytes = tonumber(call('HGET', topic, 'bytes'))
    end
  end
end
if n == 0 then return { results, trash } end

write('HSET', log, records)
call('HSET', topic, 'head', head, 'bytes', format('%d', bytes))
local extra = n - space
if extra > 0 then
  local gone = {}
  for i = 1, math.min(extra, #oldest) do gone[i] = oldest[i] end
  write('HDEL', ids, gone)
  call('LPOP', idList, extra)
end
write('HSET', ids, values)
write('RPUSH', idList, new)
if not hasGroups then
  local old = {}
  for seq = head - n + 1, head do
    if seq > kept then old[#old + 1] = format('%d', seq - kept) end
  end
  free(old, '', trash)
end
ring('message')
return { results, trash }
