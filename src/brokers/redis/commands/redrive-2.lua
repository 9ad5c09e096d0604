-- Gives dead letters back to their groups: each is due at once, at its old position. After once.lua and letters.lua.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 token of the call, then numbers of letters
-- Output: [1] 0, or 1 for an unknown topic; [2] how many were given back; [3] blob keys to delete
if call('HEXISTS', topic, 'declared') == 0 then return { 1, 0, {} } end
local before = answered(ARGV[1])
if before then return { 0, before, {} } end
local count, bytes, trash = 0, 0, {}
call('HDEL', topic, 'none')
for i = 2, #ARGV do
  local letter = letterOf(ARGV[i])
  local group = letter and letter.group
  -- A group that was dropped and declared again is another one, and begins later.
  local start = letter and call('HGET', topic, 'g:' .. group .. ':start')
  if start and tonumber(letter.seq) > tonumber(start) then
    deleteLetter(ARGV[i])
    local seq, record = letter.seq, letter.record
    local size, blob = headOf(record)
    if call('HSETNX', log, seq, record) == 1 then
      -- What the letter referred to, the message refers to now.
      bytes = bytes + size
    else
      dropBlob(blob, trash)
      unspare(seq)
    end
    -- token.ts: redriven
    local token = (math.floor(tonumber(letter.token) / 65536) + 1) * 65536
    call('HSET', topic .. ':open:' .. group, seq, format('%d', token) .. ':')
    call('ZADD', topic .. ':due:' .. group, 0, seq)
    call('HINCRBY', topic, 'g:' .. group .. ':dead', -1)
    count = count + 1
  end
end
if count > 0 then
  call('HINCRBY', topic, 'bytes', format('%d', bytes))
  ring('message', 'settled')
end
return { 0, answer(ARGV[1], count), trash }
