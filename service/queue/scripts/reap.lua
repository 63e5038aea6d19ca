-- Take jobs from workers that fell silent, end those past their deadline, forget those
-- that have been kept long enough, and mend what is damaged.
-- ARGV: lease in ms, most attempts.
-- Returns {number of jobs taken from their workers, note, ...}: the notes (JSON) are
-- those of damaged jobs that nobody has logged yet.
--
-- After a silence of everybody (the server was down, or every process was stopped) the
-- leases are worthless: their holders had no way to renew them. They get a whole lease
-- of grace before anything is taken away.
local lease, max_attempts = tonumber(ARGV[1]), tonumber(ARGV[2])
local BATCH, LOOKED_OVER, NOTES = 100, 25, 20
local LONGEST_DELAY = 4 * 24 * HOUR  -- of a notification; retries end after three days
local FULL = 0.9  -- of the server's memory; what is left is for jobs that end

local function due(name, limit)
  return redis.call('ZRANGEBYSCORE', key(name), '-inf', limit, 'LIMIT', 0, BATCH)
end

-- The counter of arrivals must not fall behind what has arrived.
local function check_counter()
  local newest = redis.call('ZREVRANGE', key('index'), 0, 0, 'WITHSCORES')
  local last = tonumber(newest[2] or 0)
  local counter = tonumber(redis.call('GET', key('seq')) or 0)
  if not counter or counter < last then redis.call('SET', key('seq'), last) end
end

-- Return the time before which nothing is taken. A clock that was set forward and back
-- leaves times in the future: none of them may hold anything up for longer than if it
-- had been written now.
local function check_clock()
  local seen = tonumber(redis.call('GET', key('seen')) or now) or now
  if now - seen > lease / 2 or seen - now > lease / 2 then
    redis.call('SET', key('grace'), now + lease)
  end
  redis.call('SET', key('seen'), now)
  for _, name in ipairs({'leases', 'workers'}) do
    local ahead = redis.call('ZRANGEBYSCORE', key(name), '(' .. now, '+inf',
      'LIMIT', 0, BATCH)
    for _, member in ipairs(ahead) do redis.call('ZADD', key(name), now, member) end
  end
  local far = redis.call('ZRANGEBYSCORE', key('deliveries'), now + LONGEST_DELAY, '+inf',
    'LIMIT', 0, BATCH)
  for _, id in ipairs(far) do redis.call('ZADD', key('deliveries'), now, id) end
  local grace = tonumber(redis.call('GET', key('grace')) or 0) or 0
  if grace > now + lease then
    grace = now + lease
    redis.call('SET', key('grace'), grace)
  end
  return grace
end

-- Look over a few jobs of one set after the other: each makes up for what another lost.
local function look_over()
  local following = {index = 'ready', ready = 'leases', leases = 'expiries',
    expiries = 'index'}
  local noted = redis.call('GET', key('mended')) or ''
  local name, start = string.match(noted, '^(%l+) (%d+)$')
  if not following[name] then name, start = 'index', 0 end
  local stop = start + LOOKED_OVER
  local some = redis.call('ZRANGE', key(name), start, stop - 1)
  for _, id in ipairs(some) do mend(id, max_attempts) end
  if #some < LOOKED_OVER then name, stop = following[name], 0 end
  redis.call('SET', key('mended'), name .. ' ' .. stop)
end

local function check_memory()
  local told = redis.pcall('INFO', 'memory')
  if is_error(told) then return end
  local used = tonumber(string.match(told, 'used_memory:(%d+)') or 0)
  local most = tonumber(string.match(told, 'maxmemory:(%d+)') or 0)
  if most > 0 and used > FULL * most then
    redis.call('SET', key('full'), 1, 'PX', 4 * lease)
  else
    redis.call('DEL', key('full'))
  end
end

sound_keys()
check_counter()
local grace = check_clock()

local taken = 0
if now >= grace then
  for _, id in ipairs(due('leases', now - lease)) do
    taken = taken + 1
    count('leases_expired')
    local why = fault(id)
    if why then set_aside(id, why) else lose(id, max_attempts) end
  end
end

-- A running job past its deadline is ended by its worker, or by the lease.
for _, id in ipairs(due('deadlines', '(' .. now)) do
  local why = fault(id)
  if why then
    set_aside(id, why)
  elseif redis.call('ZSCORE', key('ready'), id) then
    fail(id, 'deadline_exceeded', 'The deadline passed before a worker was free.')
  elseif not redis.call('ZSCORE', key('leases'), id) then
    redis.call('ZREM', key('deadlines'), id)
  end
end

for _, id in ipairs(due('expiries', now)) do
  local owner = redis.pcall('HGET', job_key(id), 'owner')
  forget(id, type(owner) == 'string' and owner or '')
end
for _, id in ipairs(redis.call('ZRANGE', key('queued'), 0, 9)) do
  if not redis.call('ZSCORE', key('ready'), id) then
    redis.call('ZREM', key('queued'), id)
  end
end
local silent = due('workers', now - 4 * lease)
for _, name in ipairs(silent) do
  redis.call('ZREM', key('workers'), name)
  redis.call('HDEL', key('devices'), name)
  redis.call('HDEL', key('draining'), name)
end
look_over()
check_memory()

local notes = redis.call('LRANGE', key('damaged'), 0, NOTES - 1)
redis.call('LTRIM', key('damaged'), #notes, -1)
return {taken, unpack(notes)}
