-- Take jobs from workers that fell silent, end those past their deadline, forget those
-- that have been kept long enough.
-- ARGV: lease in ms, most attempts.
-- Returns the number of jobs taken from their workers.
--
-- After a silence of everybody (the server was down, or every process was stopped) the
-- leases are worthless: their holders had no way to renew them. They get a whole lease
-- of grace before anything is taken away.
local lease, max_attempts = tonumber(ARGV[1]), tonumber(ARGV[2])
local BATCH = 100

local seen = tonumber(redis.call('GET', key('seen')) or now)
if now - seen > lease / 2 then redis.call('SET', key('grace'), now + lease) end
redis.call('SET', key('seen'), now)
local grace = tonumber(redis.call('GET', key('grace')) or 0)

local taken = 0
if now >= grace then
  local silent = redis.call('ZRANGEBYSCORE', key('leases'), '-inf', now - lease,
    'LIMIT', 0, BATCH)
  for _, id in ipairs(silent) do
    taken = taken + 1
    count('leases_expired')
    if get(id, 'cancel') then
      close(id, 'cancelled')
    elseif tonumber(get(id, 'attempt')) >= max_attempts then
      fail(id, 'worker_lost', 'Workers were lost while running this job, '
        .. max_attempts .. ' times; it was not tried again.')
    else
      requeue(id, 'lost')
    end
  end
end

-- A running job past its deadline is ended by its worker, or by the lease.
local late = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', '(' .. now,
  'LIMIT', 0, BATCH)
for _, id in ipairs(late) do
  if redis.call('ZSCORE', key('ready'), id) then
    fail(id, 'deadline_exceeded', 'The deadline passed before a worker was free.')
  end
end

local old = redis.call('ZRANGEBYSCORE', key('expiries'), '-inf', now,
  'LIMIT', 0, BATCH)
for _, id in ipairs(old) do forget(id, get(id, 'owner') or '') end
redis.call('ZREMRANGEBYSCORE', key('workers'), '-inf', now - 4 * lease)
return taken
