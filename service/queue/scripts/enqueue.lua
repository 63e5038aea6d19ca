-- Accept a job, unless it is known, the queue is full or its owner has enough queued.
-- ARGV: id, owner, priority, deadline after ms ('' for none), max queued, quota of the
--       owner ('' for none), idempotency key ('' for none), body digest, its life in ms,
--       then field, value, ... of the job hash.
-- Returns {'accepted' | 'known' | 'replayed', the job as look.lua shows it}, or
--         {'conflict' | 'full' | 'quota'}.
-- A job whose cache key an earlier one has answered succeeds at once.
-- 'known' answers a caller that repeats itself after a lost reply.
local id, owner, priority, deadline_after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local max_queued, quota = tonumber(ARGV[5]), tonumber(ARGV[6])
local idempotency, body, idempotency_life = ARGV[7], ARGV[8], ARGV[9]

if redis.call('EXISTS', job_key(id)) == 1 then return {'known', shown(id)} end

local record = key('idem', owner, idempotency)
if idempotency ~= '' then
  local earlier = redis.call('HMGET', record, 'job', 'body')
  if earlier[1] then
    if earlier[2] ~= body then return {'conflict'} end
    return {'replayed', shown(earlier[1])}
  end
end

local unfinished = redis.call('ZCARD', key('ready')) + redis.call('ZCARD', key('leases'))
if unfinished >= max_queued then return {'full'} end
if quota and redis.call('SCARD', key('active', owner)) >= quota then
  return {'quota'}
end

local seq = redis.call('INCR', key('seq'))
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'priority', priority,
  'seq', seq, 'attempt', 0, 'fence', 0, 'created_at', now, unpack(ARGV, 10))
if deadline_after ~= '' then
  local deadline = now + tonumber(deadline_after)
  redis.call('HSET', job_key(id), 'deadline_at', deadline)
  redis.call('ZADD', key('deadlines'), deadline, id)
end
if idempotency ~= '' then
  redis.call('HSET', record, 'job', id, 'body', body)
  redis.call('PEXPIRE', record, idempotency_life)
end
redis.call('ZADD', key('index'), seq, id)
redis.call('ZADD', key('index', owner), seq, id)
count('submitted')
add_event(id, 'queued')

local twin = redis.call('GET', key('cache', get(id, 'cache_key')))
local answer = twin and redis.call('HMGET', job_key(twin), 'status', 'result', 'critic')
if answer and answer[1] == 'succeeded' then
  redis.call('HSET', job_key(id), 'started_at', now, 'cached', 1, 'result', answer[2])
  if answer[3] then redis.call('HSET', job_key(id), 'critic', answer[3]) end
  close(id, 'succeeded')
  count('cache_hits')
else
  redis.call('SADD', key('active', owner), id)
  make_ready(id)
end
return {'accepted', shown(id)}
