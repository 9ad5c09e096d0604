-- Settles messages and publishes what they led to: each commit wholly or not at all, in order, up to the first that
-- finds a topic full. After publish.lua and settle.lua.
-- KEYS: 1 topic, 2 trash, 3 set of topics, then further topics
-- ARGV: 1 dedupe window, 2 default of maxBytes, 3 count of topics, then their names in the order of the keys; then the
--       commits, each: whether it is repeated after a lost reply (1 or 0), count of acknowledgements, count of messages;
--       for an acknowledgement: topic (its place among the names, from 1), group, consumer, count of runs, then runs of
--       tickets; for a message: topic, id, record
-- Output: [1] for each commit a list: 1 for committed; or 0 and the topic that is full, and nothing for those after it;
--         or 2 and the indices of the fenced tickets, from 0, over all its acknowledgements; or 3, the index of the
--         acknowledgement that names what is unknown, and 1 for its topic, 2 for its group; [2] blob keys to delete
local count = tonumber(ARGV[3])
local keys, names = {}, {}
for place = 1, count do
  keys[place] = KEYS[place == 1 and 1 or place + 2]
  names[place] = ARGV[3 + place]
end

local at = 3 + count
-- The commit that begins behind ARGV[at]; its messages are sorted by topic.
local function read()
  local commit = { repeated = ARGV[at + 1] == '1', acks = {}, outputs = {} }
  local acks, messages = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  at = at + 3
  for i = 1, acks do
    local ack = { topic = keys[tonumber(ARGV[at + 1])], group = ARGV[at + 2], consumer = ARGV[at + 3] }
    ack.seqs, ack.tokens, ack.heads, at = ticketsBehind(at + 4, ARGV[at + 4])
    commit.acks[i] = ack
  end
  local outputOf = {}
  for _ = 1, messages do
    local place = tonumber(ARGV[at + 1])
    local output = outputOf[place]
    if not output then
      output = { place = place, ids = {}, records = {} }
      outputOf[place] = output
      commit.outputs[#commit.outputs + 1] = output
    end
    local n = #output.ids + 1
    output.ids[n], output.records[n] = ARGV[at + 2], ARGV[at + 3]
    at = at + 3
  end
  return commit
end

-- Why the tickets of a commit settle nothing, if they don't.
local function refusal(commit)
  local fenced, gone, tickets = {}, 0, 0
  for i, ack in ipairs(commit.acks) do
    use(ack.topic)
    local lacking = missing(ack.group)
    if lacking ~= 0 then return { 3, i - 1, lacking } end
    for n, state in ipairs(look(ack.group, ack.consumer, ack.seqs, ack.tokens)) do
      if state ~= true then fenced[#fenced + 1] = tickets + n - 1 end
      if not state then gone = gone + 1 end
    end
    tickets = tickets + #ack.seqs
  end
  if #fenced == 0 then return nil end
  -- It settles all of its messages or none: it came through before, and its reply was lost.
  if commit.repeated and gone == tickets then return { 1 } end
  return { 2, fenced }
end

-- The topic, of those that a commit publishes to, that has no room for it. A known id needs none.
local function fullOutput(commit)
  for _, output in ipairs(commit.outputs) do
    use(keys[output.place])
    local bytes, maxBytes, groups, spare, head = unpack(call('HMGET', topic, 'bytes', 'maxBytes', 'groups', 'spareBytes', 'head'))
    if groups and groups ~= '' and tonumber(bytes) - (tonumber(spare) or 0) >= tonumber(maxBytes) then
      for _, known in ipairs(recall(output.ids)) do
        if not (known and within(known, tonumber(head))) then return output.place end
      end
    end
  end
  return nil
end

local function apply(commit, trash)
  for _, output in ipairs(commit.outputs) do
    use(keys[output.place])
    publish(names[output.place], output.ids, output.records, true, trash)
  end
  local settled = {}
  for _, ack in ipairs(commit.acks) do
    use(ack.topic)
    local name = topic .. ' ' .. ack.group
    local seen, done = settled[name] or {}, {}
    settled[name] = seen
    for _, seq in ipairs(ack.seqs) do
      if not seen[seq] then
        seen[seq] = true
        done[#done + 1] = seq
      end
    end
    settle(ack.group, done, trash, ack.heads)
  end
end

local commits, publishing = {}, false
while at < #ARGV do
  local commit = read()
  commits[#commits + 1] = commit
  publishing = publishing or #commit.outputs > 0
end

local results, trash, written = {}, {}, false
for i, commit in ipairs(commits) do
  local result = refusal(commit)
  local full = not result and fullOutput(commit)
  if full then
    use(keys[full])
    call('HSET', topic, 'ring:space', 1)
    results[i] = { 0, full }
    break
  end
  if not result then
    -- Does nothing, but is refused at maxmemory: an ack must not open the door for the messages behind it.
    if publishing and not written then call('LPUSHX', topic .. ':none', '') end
    written = true
    apply(commit, trash)
    result = { 1 }
  elseif result[1] == 1 then
    for _, output in ipairs(commit.outputs) do
      use(keys[output.place])
      for _, record in ipairs(output.records) do dropUnused(record, trash) end
    end
  end
  results[i] = result
end
return { results, trash }
