-- For commands that tell how much they changed: repeated after a lost reply, such a call gives its first answer again.
-- The topic keeps the last answer.

-- What the call of this token answered before.
local function answered(token)
  local before, count = match(call('HGET', topic, 'answer') or '', '^(%S+) (%d+)$')
  return before == token and tonumber(count) or nil
end

local function answer(token, count)
  call('HSET', topic, 'answer', token .. ' ' .. format('%d', count))
  return count
end
