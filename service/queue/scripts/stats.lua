-- Count what the metrics show.
-- ARGV: silence in ms after which a worker is not live.
-- Returns {queued, running, live workers, ms the oldest queued job has waited,
-- notifications owed to webhooks, totals}.
local oldest = redis.call('ZRANGE', key('queued'), 0, 0, 'WITHSCORES')
return {
  redis.call('ZCARD', key('ready')),
  redis.call('ZCARD', key('leases')),
  redis.call('ZCOUNT', key('workers'), now - ARGV[1], '+inf'),
  oldest[2] and math.max(0, math.floor(now - tonumber(oldest[2]))) or 0,
  redis.call('ZCARD', key('deliveries')),
  redis.call('HGETALL', key('totals')),
}
