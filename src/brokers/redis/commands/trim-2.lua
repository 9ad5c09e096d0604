-- Frees what a topic retained for long enough.
-- KEYS: 1 topic, 2 trash
-- Output: blob keys to delete
local trash = {}
if call('EXISTS', topic .. ':spare') == 0 then return trash end
call('HDEL', topic, 'none')
trim(trash, now())
return trash
