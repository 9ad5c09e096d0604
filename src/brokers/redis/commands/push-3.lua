-- Publishes messages in order, up to the first that finds the topic full. After publish.lua.
-- KEYS: 1 topic, 2 trash, 3 set of topics
-- ARGV: 1 dedupe window, 2 default of maxBytes, 3 name, then id and record a message; at most as many as the window
-- Output: [1] seqs, negative where the id was known, 0 where the topic was full (and for all after it): of some in a row the first, and
--         how many they are; [2] blob keys to delete
local ids, records, trash = {}, {}, {}
for i = 4, #ARGV, 2 do
  local n = (i - 2) / 2
  ids[n], records[n] = ARGV[i], ARGV[i + 1]
end
local runs, last, count = {}, nil, 0
for _, seq in ipairs(publish(ARGV[3], ids, records, false, trash)) do
  if seq == 0 then
    local n = #runs
    runs[n + 1], runs[n + 2] = 0, 1
    break
  elseif count > 0 and seq == last + 1 then
    count = count + 1
    runs[#runs] = count
  else
    count = 1
    local n = #runs
    runs[n + 1], runs[n + 2] = seq, count
  end
  last = seq
end
return { runs, trash }
