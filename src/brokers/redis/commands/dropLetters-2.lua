-- Deletes dead letters for good. After once.lua and letters.lua.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 token of the call, then numbers of letters
-- Output: [1] 0, or 1 for an unknown topic; [2] how many there were; [3] blob keys to delete
if call('HEXISTS', topic, 'declared') == 0 then return { 1, 0, {} } end
local before = answered(ARGV[1])
if before then return { 0, before, {} } end
local count, trash = 0, {}
call('HDEL', topic, 'none')
for i = 2, #ARGV do
  local letter = letterOf(ARGV[i])
  if letter then
    deleteLetter(ARGV[i])
    local _, blob = headOf(letter.record)
    dropBlob(blob, trash)
    count = count + 1
  end
end
return { 0, answer(ARGV[1], count), trash }
