-- Publishing, for push and commit. KEYS[3] is the set of topics; ARGV[1] the dedupe window, ARGV[2] the default of
-- maxBytes.

-- What is known of ids: "<seq>:<token>" of those that were published since the last but one time that the window was full.
local function recall(ids)
  local known, before = fetch(topic .. ':ids', ids), topic .. ':ids:before'
  if call('EXISTS', before) == 0 then return known end
  for i, value in ipairs(fetch(before, ids)) do known[i] = known[i] or value end
  return known
end

-- The seq and the token of an id's publish, where it is among the last ones of the window.
local function within(value, head)
  local seq, token = match(value, '^(%d+):(.*)$')
  seq = tonumber(seq)
  if seq and seq > head - tonumber(ARGV[1]) then return seq, token end
end

-- Has the payload of a message deleted that was not published, unless an earlier publish stored it.
local function dropUnused(record, trash)
  local _, blob = headOf(record)
  if blob ~= '' and call('HEXISTS', blobs, blob) == 0 then discard(blob, trash) end
end

-- Takes the place of what a topic without a group stores beyond its maxBytes: all but the newest may go.
local function replaceOlder(head, kept, maxBytes, trash)
  local bytes = tonumber(call('HGET', topic, 'bytes'))
  if bytes <= maxBytes then return end
  local seqs, replaced = {}, {}
  for seq = math.max(1, head - kept + 1), head - 1 do seqs[#seqs + 1] = format('%d', seq) end
  if #seqs == 0 then return end
  for i, record in ipairs(fetch(log, seqs)) do
    if bytes <= maxBytes then break end
    if record then
      bytes = bytes - headOf(record)
      replaced[#replaced + 1] = seqs[i]
    end
  end
  free(replaced, '', trash)
end

-- Publishes messages in order, up to the first that finds the topic full; or all of them, where they are the part of a
-- commit that found room. Returns their seqs: negative where the id was known, 0 where the topic was full.
local function publish(name, batch, given, all, trash)
  local fields = call('HMGET', topic, 'head', 'bytes', 'maxBytes', 'kept', 'groups', 'spareBytes', 'retainBytes')
  local head, bytes, maxBytes, kept, groups, spareBytes, retain = unpack(fields)
  if not head then
    call('SADD', KEYS[3], name)
    call('HSET', topic, 'head', 0, 'bytes', 0, 'maxBytes', ARGV[2], 'onFull', 'wait', 'kept', 1, 'declared', 1)
    head, bytes, maxBytes, kept, groups = 0, 0, ARGV[2], 1, ''
  end
  head, bytes, maxBytes, kept = tonumber(head), tonumber(bytes), tonumber(maxBytes), tonumber(kept)
  -- What nobody needs gives way.
  local room = maxBytes + (tonumber(spareBytes) or 0)
  local hasGroups = groups and groups ~= ''

  -- Known ids: those of before, and those of this call.
  local known, added = recall(batch), {}
  local results = {}
  local records, values = {}, {}
  local n, full = 0, false
  for i = 1, #batch do
    local id, record = batch[i], given[i]
    local size, blob, token = match(record, '^(%d+) (%S*) (%S*)')
    local before = added[id] or known[i]
    local seq, publisher
    if before then seq, publisher = within(before, head) end
    if full then
      results[i] = 0
    elseif seq then
      -- The same token: this publish itself came through before, and its reply was lost.
      results[i] = publisher == token and seq or -seq
      dropUnused(record, trash)
    elseif hasGroups and bytes >= room and not all then
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
      added[id] = value
      if blob ~= '' then call('HINCRBY', blobs, blob, 1) end
      if hasGroups and kept > 0 and head > kept then
        -- What it frees counts for the next message.
        write('HSET', log, records)
        records = {}
        call('HSET', topic, 'bytes', format('%d', bytes))
        free({ format('%d', head - kept) }, groups, trash, retain)
        local left = call('HMGET', topic, 'bytes', 'spareBytes')
        bytes, room = tonumber(left[1]), maxBytes + (tonumber(left[2]) or 0)
      end
    end
  end
  if n == 0 then return results end

  write('HSET', log, records)
  call('HSET', topic, 'head', head, 'bytes', format('%d', bytes))
  -- They are forgotten together: a list beside them, to forget one for each that comes, was a third of a push.
  local ids = topic .. ':ids'
  local before = call('HLEN', ids)
  if before > 0 and before + n > tonumber(ARGV[1]) then
    call('UNLINK', ids .. ':before')
    call('RENAME', ids, ids .. ':before')
  end
  write('HSET', ids, values)
  if not hasGroups then
    local old = {}
    for seq = head - n + 1, head do
      if seq > kept then old[#old + 1] = format('%d', seq - kept) end
    end
    free(old, '', trash, retain)
    if retain then trim(trash, now()) end
    if bytes > maxBytes then replaceOlder(head, kept, maxBytes, trash) end
  elseif retain then
    trim(trash, now())
  end
  ring('message')
  return results
end
