-- Settling, for ack and commit.

-- Reads the tickets behind ARGV[at], of which there are so many `runs`: the first of some seqs in a row, the token and the head
-- of each of them, and how many they are. Returns them, and where they end.
local function ticketsBehind(at, runs)
  local seqs, tokens, heads, n = {}, {}, {}, 0
  for run = at + 1, at + 4 * runs, 4 do
    local first, token, head = tonumber(ARGV[run]), ARGV[run + 1], ARGV[run + 2]
    for seq = first, first + ARGV[run + 3] - 1 do
      local name = format('%d', seq)
      n = n + 1
      seqs[n], tokens[n], heads[name] = name, token, head
    end
  end
  return seqs, tokens, heads, at + 4 * runs
end

-- How it stands with tickets: true where the message is the consumer's, false where nobody has it open.
local function look(group, consumer, seqs, tokens)
  local held = fetch(topic .. ':open:' .. group, seqs)
  local value = {}
  for i, token in ipairs(tokens) do
    local own = value[token]
    if not own then
      own = token .. ':' .. consumer
      value[token] = own
    end
    if held[i] == own then held[i] = true end
  end
  return held
end

-- Settles open messages of a group for good, and frees those that no other group needs. No seq may come twice.
local function settle(group, seqs, trash, heads)
  if #seqs == 0 then return end
  write('HDEL', topic .. ':open:' .. group, seqs)
  local failed = topic .. ':failed:' .. group
  if call('EXISTS', failed) == 1 then write('HDEL', failed, seqs) end
  call('HINCRBY', topic, 'g:' .. group .. ':acked', #seqs)
  local head, kept, groups, retain = unpack(call('HMGET', topic, 'head', 'kept', 'groups', 'retainBytes'))
  free(older(seqs, tonumber(head), tonumber(kept)), groups, trash, retain, group, heads)
  ring('settled')
end
