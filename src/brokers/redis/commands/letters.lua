-- Dead letters, for redrive and dropLetters.

-- A dead letter: its fields, or nil where there is none of that number.
local function letterOf(number)
  local found = call('XRANGE', topic .. ':dead', number, number)[1]
  if not found then return nil end
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  return fields
end

local function deleteLetter(number)
  call('XDEL', topic .. ':dead', number .. '-0')
end
