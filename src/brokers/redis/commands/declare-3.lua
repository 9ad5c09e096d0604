-- Makes a topic known, with its groups and readers.
-- KEYS: 1 topic, 2 trash, 3 set of topics
-- ARGV: 1 name, 2 maxBytes or '', 3 onFull or '', 4 default of maxBytes, 5 ms for which messages are retained that nobody
--       needs, 'inf' for no limit, or '' where nothing is said of that, 6 their bytes, or '' for half of maxBytes,
--       7 count of groups, then groups, then readers
-- Output: '', or the group for which the topic can't replace what it stores; then nothing is declared
local groupCount = tonumber(ARGV[7])
local onFull, groups, readers = unpack(call('HMGET', topic, 'onFull', 'groups', 'readers'))
groups, readers = groups or '', readers or ''
if ARGV[3] ~= '' then onFull = ARGV[3] end
local group = match(groups, '%S+') or (groupCount > 0 and ARGV[8])
if onFull == 'replace' and group then return group end

call('SADD', KEYS[3], ARGV[1])
call('HSET', topic, 'declared', 1)
call('HSETNX', topic, 'head', 0)
call('HSETNX', topic, 'bytes', 0)
call('HSETNX', topic, 'maxBytes', ARGV[4])
call('HSETNX', topic, 'onFull', 'wait')
if ARGV[2] ~= '' then call('HSET', topic, 'maxBytes', ARGV[2]) end
if ARGV[3] ~= '' then call('HSET', topic, 'onFull', ARGV[3]) end
if ARGV[5] ~= '' then
  local bytes = tonumber(ARGV[6]) or math.floor(tonumber(call('HGET', topic, 'maxBytes')) / 2)
  call('HSET', topic, 'retainMs', ARGV[5], 'retainBytes', format('%.0f', bytes))
end

local head = call('HGET', topic, 'head')
for i = 8, 7 + groupCount do
  local group = 'g:' .. ARGV[i]
  if call('HSETNX', topic, group .. ':cursor', head) == 1 then
    call('HSET', topic, group .. ':start', head, group .. ':acked', 0, group .. ':dead', 0)
    groups = groups .. ' ' .. ARGV[i]
  end
end
local start = tonumber(head) - call('HEXISTS', log, head)
for i = 8 + groupCount, #ARGV do
  local reader = 'r:' .. ARGV[i]
  if call('HSETNX', topic, reader .. ':cursor', start) == 1 then
    call('HSET', topic, reader .. ':start', start, reader .. ':delivered', 0, reader .. ':skipped', 0)
    readers = readers .. ' ' .. ARGV[i]
  end
end

local kept = keptNewest(groups, readers)
call('HSET', topic, 'groups', groups, 'readers', readers, 'kept', kept)
if call('EXISTS', topic .. ':spare') == 1 then
  -- More readers, more of the newest to jump to.
  for seq = tonumber(head) - kept + 1, tonumber(head) do unspare(format('%d', seq)) end
  -- What it frees is in the set of what is to be deleted: a sweep finds it.
  trim({})
end
ring('space')
return ''
