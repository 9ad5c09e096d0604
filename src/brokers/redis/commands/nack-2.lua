-- Gives a failed message back, or makes it a dead letter.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 whether the call is repeated after a lost reply (1 or 0), 4 seq, 5 token, 6 error,
--       7 stack or '', 8 ms until the next attempt, or '' for a dead letter
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] 1, or 0 for a fenced ticket;
--         [3] blob keys to delete
local group, consumer, repeated = ARGV[1], ARGV[2], ARGV[3] == '1'
local seq, token, error, stack, retryMs = ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local lacking = missing(group)
if lacking ~= 0 then return { lacking, 0, {} } end

local open, due, failed = topic .. ':open:' .. group, topic .. ':due:' .. group, topic .. ':failed:' .. group
local held = call('HGET', open, seq)
if held ~= token .. ':' .. consumer then
  local done = repeated and (retryMs == '' and not held or held == token .. ':')
  return { 0, done and 1 or 0, {} }
end
call('HDEL', open, seq)
local time = now()
if retryMs ~= '' then
  call('HSET', open, seq, token .. ':')
  call('ZADD', due, time + tonumber(retryMs), seq)
  call('HSETNX', failed, seq, time)
  ring('message', 'settled')
  return { 0, 1, {} }
end

local record = call('HGET', log, seq)
local _, blob = headOf(record)
if blob ~= '' then call('HINCRBY', blobs, blob, 1) end
local fields = {
  'seq', seq, 'group', group, 'token', token, 'error', error,
  'firstTime', call('HGET', failed, seq) or time, 'deadTime', time, 'record', record,
}
if stack ~= '' then
  fields[#fields + 1] = 'stack'
  fields[#fields + 1] = stack
end
call('HDEL', failed, seq)
call('XADD', topic .. ':dead', call('HINCRBY', topic, 'letters', 1) .. '-0', unpack(fields))
call('HINCRBY', topic, 'g:' .. group .. ':dead', 1)
local head, kept, groups, retain = unpack(call('HMGET', topic, 'head', 'kept', 'groups', 'retainBytes'))
local trash = {}
free(older({ seq }, tonumber(head), tonumber(kept)), groups, trash, retain, group)
ring('settled')
return { 0, 1, trash }
