-- Renew a lease and tell the holder whether to go on.
-- ARGV: worker name, facts about it (JSON; '' for none), then id, token, ... of all
--       that it holds (none: it is idle).
-- Returns one of 'held', 'cancel', 'deadline', 'lost' for each.
sound_keys()
redis.call('SET', key('seen'), now)
redis.call('ZADD', key('workers'), now, ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', key('devices'), ARGV[1], ARGV[2]) end
local answers = {}
for i = 3, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  local answer = 'lost'
  if owned(id, token) then
    redis.call('ZADD', key('leases'), now, id)
    local deadline = number(id, 'deadline_at')
    answer = 'held'
    if get(id, 'cancel') then
      answer = 'cancel'
    elseif deadline and now > deadline then
      answer = 'deadline'
    end
  end
  answers[#answers + 1] = answer
end
return answers
