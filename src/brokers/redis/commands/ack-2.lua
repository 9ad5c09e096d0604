-- Settles messages for good, and frees those that no other group needs.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 whether the call is repeated after a lost reply (1 or 0), then seq and token a ticket
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] indices of the fenced tickets, from 0;
--         [3] blob keys to delete
local group, consumer, repeated = ARGV[1], ARGV[2], ARGV[3] == '1'
local lacking = missing(group)
if lacking ~= 0 then return { lacking, {}, {} } end

local open = topic .. ':open:' .. group
local seqs, tokens = {}, {}
for i = 4, #ARGV, 2 do
  local n = (i - 2) / 2
  seqs[n], tokens[n] = ARGV[i], ARGV[i + 1]
end
local held = fetch(open, seqs)
local fenced, done, seen = {}, {}, {}
local value = {}
for i, seq in ipairs(seqs) do
  local token = tokens[i]
  local own = value[token]
  if not own then
    own = token .. ':' .. consumer
    value[token] = own
  end
  if held[i] == own and not seen[seq] then
    seen[seq] = true
    done[#done + 1] = seq
  elseif not (repeated and not held[i]) then
    fenced[#fenced + 1] = i - 1
  end
end

local trash = {}
if #done > 0 then
  write('HDEL', open, done)
  call('HINCRBY', topic, 'g:' .. group .. ':acked', #done)
  local head, kept, groups = unpack(call('HMGET', topic, 'head', 'kept', 'groups'))
  free(older(done, tonumber(head), tonumber(kept)), groups, trash, group)
  ring('settled')
end
return { 0, fenced, trash }
