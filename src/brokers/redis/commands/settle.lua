-- Settling, for ack and commit.

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
