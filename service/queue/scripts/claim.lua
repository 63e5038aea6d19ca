-- Hand the first job to a worker, and with it others of the same bucket.
-- ARGV: worker name, most jobs, how far to look for others.
-- Returns {id of the newest bell entry, id, token, id, token, ...}. A job without a
-- bucket, or one that has been given out before, goes alone: a job that kills its
-- worker then takes no neighbour with it.
local worker, most, scan = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZADD', key('workers'), now, worker)

local bell = redis.call('XREVRANGE', key('bell'), '+', '-', 'COUNT', 1)
local claimed = {bell[1] and bell[1][1] or '0-0'}
local bucket = nil

for _, id in ipairs(redis.call('ZRANGE', key('ready'), 0, scan - 1)) do
  local fields = redis.call('HMGET', job_key(id), 'bucket', 'attempt', 'deadline_at')
  if fields[3] and now > tonumber(fields[3]) then
    fail(id, 'deadline_exceeded', 'The deadline passed before a worker was free.')
  else
    local fresh = fields[2] == '0'
    local packable = fields[1] ~= '' and fresh
    if bucket == nil or (packable and fields[1] == bucket) then
      local fence = redis.call('HINCRBY', job_key(id), 'fence', 1)
      local token = worker .. '#' .. fence
      redis.call('HINCRBY', job_key(id), 'attempt', 1)
      unready(id)
      redis.call('ZADD', key('leases'), now, id)
      redis.call('HSET', job_key(id), 'status', 'running', 'token', token,
        'started_at', now)
      add_event(id, 'running', cjson.encode({attempt = tonumber(fields[2]) + 1}))
      claimed[#claimed + 1] = id
      claimed[#claimed + 1] = token
      if not packable then break end
      bucket = fields[1]
      if #claimed > 2 * most then break end
    end
  end
end
return claimed
