-- Count what the metrics show.
-- ARGV: silence in ms after which a worker is not live.
-- Returns {queued, running, ms the oldest queued job has waited, notifications owed to
-- webhooks, totals, workers: name, ms of silence, facts (JSON; '' for none), 1 where it
-- claims nothing, ..., whether everybody is to claim nothing}; the workers are those heard
-- within four times that silence, as `reap` keeps them.
local workers = {}
local heard = redis.call('ZRANGEBYSCORE', key('workers'), now - 4 * ARGV[1], '+inf',
  'WITHSCORES')
for i = 1, #heard, 2 do
  workers[#workers + 1] = heard[i]
  workers[#workers + 1] = math.max(0, now - tonumber(heard[i + 1]))
  workers[#workers + 1] = redis.call('HGET', key('devices'), heard[i]) or ''
  workers[#workers + 1] = is_drained(heard[i]) and 1 or 0
end
local oldest = redis.call('ZRANGE', key('queued'), 0, 0, 'WITHSCORES')
return {
  redis.call('ZCARD', key('ready')),
  redis.call('ZCARD', key('leases')),
  oldest[2] and math.max(0, math.floor(now - tonumber(oldest[2]))) or 0,
  redis.call('ZCARD', key('deliveries')),
  redis.call('HGETALL', key('totals')),
  workers,
  is_drained('*') and 1 or 0,
}
