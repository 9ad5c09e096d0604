-- Stands before every command. KEYS[1] is the topic's hash, KEYS[2] the set of blob keys that are to be deleted. What
-- belongs to the topic has a name that begins with it:
--   <topic>                head, bytes, maxBytes, onFull, kept, groups and readers (names between spaces), beat,
--                          g:<group>:start|cursor|acked|dead, r:<reader>:start|cursor|delivered|skipped,
--                          ring:message, ring:space, ring:settled (somebody waits for that), ring:polls (somebody may poll),
--                          rings (how often it rang for them),
--                          retainMs, retainBytes (what is kept of messages that nobody needs; absent: nothing), spareBytes,
--                          letters (number of the last dead letter), answer (once.lua), reclaim (reclaim-2.lua)
--   <topic>:log            hash, seq -> record of the message (record.ts). It begins with "<bytes> <blob key> <token>\n";
--                          the blob key is empty where the payload is in the record. A hash, for a stream costs thrice
--                          the time: here a batch is read, written and deleted by one call.
--   <topic>:ids            hash, published id -> "<seq>:<token of the publish>", of a window at most;
--   <topic>:ids:before     the same of those before them
--   <topic>:open:<group>   hash, seq -> "<token>:<consumer>"; the consumer is empty while it waits for redelivery
--   <topic>:due:<group>    sorted set, seqs that wait for redelivery by the server's time in ms
--   <topic>:failed:<group> hash, seq of an open message that failed -> the server's time then, in ms
--   <topic>:beats:<group>  hash, consumer -> its last sign of life
--   <topic>:takes:<reader> hash, consumer -> "<token> <seq>" of its last take
--   <topic>:spare          sorted set, seqs of messages that are kept although nobody needs them
--   <topic>:blobs          hash, blob key -> how many entries and dead letters refer to it
--   <topic>:dead           stream of dead letters; the id is "<number>-0". Fields: seq, group, token, error, stack where
--                          there is one, firstTime, deadTime, record
--   <topic>:rings          stream of its last ring, whose id is the count of them: for who waits for the next one with a command
--                          behind the wait
--   <topic>:bell           channel: for who waits for any
-- A server at its maxmemory lets a script through whose first write can't take memory. All but push, declare and the
-- commits that publish begin with such a write: what frees memory must go on.
local call, match, gmatch, format = redis.call, string.match, string.gmatch, string.format
local topic, log, blobs

-- Makes a topic the one that all functions work on.
local function use(key)
  topic, log, blobs = key, key .. ':log', key .. ':blobs'
end
use(KEYS[1])

-- unpack() takes some 8,000 values at most.
local chunk = 4000

local function write(command, key, values)
  for first = 1, #values, chunk do
    call(command, key, unpack(values, first, math.min(first + chunk - 1, #values)))
  end
end

local function fetch(key, fields)
  if #fields <= chunk then return call('HMGET', key, unpack(fields)) end
  local values = {}
  for first = 1, #fields, chunk do
    local part = call('HMGET', key, unpack(fields, first, math.min(first + chunk - 1, #fields)))
    for i = 1, #part do values[first + i - 1] = part[i] end
  end
  return values
end

local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Wakes who waits for one of the kinds of change; costs nothing where nobody does.
local function ring(...)
  local fields = { ... }
  for i, kind in ipairs(fields) do fields[i] = 'ring:' .. kind end
  if call('HDEL', topic, unpack(fields)) == 0 then return end
  call('PUBLISH', topic .. ':bell', '')
  if call('HDEL', topic, 'ring:polls') == 0 then return end
  local rings, count = topic .. ':rings', call('HINCRBY', topic, 'rings', 1)
  -- One of an earlier topic of this name, which a reset has not deleted yet, may have counted further.
  if count == 1 then call('UNLINK', rings) end
  call('XADD', rings, 'MAXLEN', 1, format('%d-0', count), '', '')
end

-- Lets a consumer whose take found nothing poll: returns how often the topic rang for polls. -1, for the bell, where several consumers,
-- which this hash names, share what comes: a ring would end the polls of all.
local function ringsFor(consumers)
  if call('HLEN', consumers) > 1 then return -1 end
  call('HSET', topic, 'ring:polls', 1)
  return tonumber(call('HGET', topic, 'rings') or 0)
end

-- The bytes that a record counts for, and its blob key; 0 and '' where its head is damaged.
local function headOf(record)
  local bytes, blob = match(record, '^(%d+) (%S*)')
  return tonumber(bytes or 0), blob or ''
end

-- Has a blob deleted: by the caller, who finds it in `trash`, or else by a sweep.
local function discard(blob, trash)
  call('SADD', KEYS[2], blob)
  trash[#trash + 1] = blob
end

-- One reference less to a blob.
local function dropBlob(blob, trash)
  if blob == '' or call('HINCRBY', blobs, blob, -1) > 0 then return end
  call('HDEL', blobs, blob)
  discard(blob, trash)
end

-- When the message of a record was made, in ms since the epoch; 0 where its head is damaged.
local function timeOf(record)
  local line = string.find(record, '\n', 1, true)
  return line and #record >= line + 8 and struct.unpack('<d', record, line + 1) or 0
end

-- Wakes who waits for room, where there is some: what nobody needs gives way.
local function ringRoom()
  local bytes, maxBytes, spareBytes, waiting = unpack(call('HMGET', topic, 'bytes', 'maxBytes', 'spareBytes', 'ring:space'))
  if waiting and tonumber(bytes) - (tonumber(spareBytes) or 0) < tonumber(maxBytes) then ring('space') end
end

-- Frees the oldest of what nobody needs: beyond the bytes of the topic and what it retains; given the server's time,
-- beyond its age; and at least `more` of them. Returns how many it freed.
local function trim(trash, time, more)
  local spare = topic .. ':spare'
  local values = call('HMGET', topic, 'bytes', 'maxBytes', 'spareBytes', 'retainMs', 'retainBytes')
  for i = 1, 5 do values[i] = tonumber(values[i]) end
  local bytes, maxBytes, spareBytes, retainMs, retainBytes = unpack(values, 1, 5)
  spareBytes, retainBytes = spareBytes or 0, retainBytes or 0
  local count = 0
  while true do
    local seq = call('ZRANGE', spare, 0, 0)[1]
    if not seq then break end
    local record = call('HGET', log, seq) or ''
    local over = count < (more or 0) or spareBytes > retainBytes or bytes > maxBytes or retainBytes == 0
    if not over and not (time and retainMs and timeOf(record) < time - retainMs) then break end
    local size, blob = headOf(record)
    call('ZREM', spare, seq)
    call('HDEL', log, seq)
    dropBlob(blob, trash)
    bytes, spareBytes, count = bytes - size, spareBytes - size, count + 1
  end
  if count > 0 then call('HSET', topic, 'bytes', format('%.0f', bytes), 'spareBytes', format('%.0f', spareBytes)) end
  return count
end

-- Keeps messages that nobody needs any more, for a while.
local function keep(seqs, trash)
  local spare, bytes = topic .. ':spare', 0
  for i, record in ipairs(fetch(log, seqs)) do
    if record and call('ZADD', spare, 'NX', seqs[i], seqs[i]) == 1 then bytes = bytes + headOf(record) end
  end
  if bytes > 0 then call('HINCRBY', topic, 'spareBytes', format('%.0f', bytes)) end
  trim(trash)
  ringRoom()
end

-- A message is needed again.
local function unspare(seq)
  if call('ZREM', topic .. ':spare', seq) == 0 then return end
  local size = headOf(call('HGET', log, seq) or '')
  call('HINCRBY', topic, 'spareBytes', format('%.0f', -size))
end

-- Deletes those of the messages that no group needs, or keeps them for a while where the topic retains (its
-- `retainBytes`); no seq may come twice. The caller knows that group `except` needs none of them, and of some seqs the
-- `heads`, "<bytes>" or "<bytes> <blob key>": their records need not pass through Lua once more.
local function free(seqs, groups, trash, retain, except, heads)
  for group in gmatch(groups or '', '%S+') do
    if #seqs == 0 then return end
    if group ~= except then
      local cursor = tonumber(call('HGET', topic, 'g:' .. group .. ':cursor'))
      local open = fetch(topic .. ':open:' .. group, seqs)
      local rest = {}
      for i, seq in ipairs(seqs) do
        if tonumber(seq) <= cursor and not open[i] then rest[#rest + 1] = seq end
      end
      seqs = rest
    end
  end
  if #seqs == 0 then return end
  if retain and retain ~= '0' then return keep(seqs, trash) end
  local bytes, unknown = 0, {}
  local function count(record)
    local size, blob = headOf(record)
    bytes = bytes + size
    if blob ~= '' then dropBlob(blob, trash) end
  end
  for _, seq in ipairs(seqs) do
    local head = heads and heads[seq] or ''
    local size = tonumber(head)
    if size then
      bytes = bytes + size
    elseif head ~= '' then
      count(head)
    else
      unknown[#unknown + 1] = seq
    end
  end
  if #unknown > 0 then
    for _, record in ipairs(fetch(log, unknown)) do
      if record then count(record) end
    end
  end
  write('HDEL', log, seqs)
  if bytes == 0 then return end
  local left = call('HINCRBY', topic, 'bytes', format('%d', -bytes))
  local maxBytes, spareBytes, waiting = unpack(call('HMGET', topic, 'maxBytes', 'spareBytes', 'ring:space'))
  if waiting and left - (tonumber(spareBytes) or 0) < tonumber(maxBytes) then ring('space') end
end

-- The part of the seqs that is not among the newest, which readers may jump to.
local function older(seqs, head, kept)
  if kept == 0 then return seqs end
  local rest = {}
  for _, seq in ipairs(seqs) do
    if tonumber(seq) <= head - kept then rest[#rest + 1] = seq end
  end
  return rest
end

-- keptNewest of options.ts
local function keptNewest(groups, readers)
  local _, count = string.gsub(readers or '', '%S+', '')
  if count > 0 then return count + 1 end
  return groups == '' and 1 or 0
end

-- Whether the topic and the group are declared: 0, or 1 for no topic, 2 for no group.
local function missing(group)
  local declared, cursor = unpack(call('HMGET', topic, 'declared', 'g:' .. group .. ':cursor'))
  if not cursor then return declared and 2 or 1 end
  return 0
end
