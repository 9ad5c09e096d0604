-- Settles messages for good, and frees those that no other group needs. After settle.lua.
-- KEYS: 1 topic, 2 trash
-- ARGV: 1 group, 2 consumer, 3 whether the call is repeated after a lost reply (1 or 0), then runs of tickets
-- Output: [1] 0, or 1 for an unknown topic, 2 for an unknown group; [2] indices of the fenced tickets, from 0;
--         [3] blob keys to delete
local group, consumer, repeated = ARGV[1], ARGV[2], ARGV[3] == '1'
local lacking = missing(group)
if lacking ~= 0 then return { lacking, {}, {} } end

local seqs, tokens, heads = ticketsBehind(3, (#ARGV - 3) / 4)
local state = look(group, consumer, seqs, tokens)
local fenced, done, seen, trash = {}, {}, {}, {}
for i, seq in ipairs(seqs) do
  if state[i] == true and not seen[seq] then
    seen[seq] = true
    done[#done + 1] = seq
  elseif not (repeated and not state[i]) then
    fenced[#fenced + 1] = i - 1
  end
end
settle(group, done, trash, heads)
return { 0, fenced, trash }
