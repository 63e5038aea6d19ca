-- Accept a job, unless it is known, the queue is full or its owner has enough queued.
-- ARGV: id, owner, priority, deadline after ms ('' for none), max queued, quota of the
--       owner ('' for none), idempotency key ('' for none), body digest, its life in ms,
--       then field, value, ... of the job hash.
-- Returns {'accepted' | 'known' | 'replayed', the job as look.lua shows it}, or
--         {'conflict' | 'gone' | 'full' | 'quota'}.
-- A job whose cache key an earlier one has answered succeeds at once.
-- 'known' answers a caller that repeats itself after a lost reply.
--
-- Owners take turns (start-time fair queuing; Goyal, Vin & Cheng 1996): among jobs of
-- one priority, a job's place is one after the last of its owner's that wait, and never
-- before the turn that has been reached. Whoever submits a hundred jobs waits behind
-- himself; one job of another owner waits for one job of his.
local id, owner, priority, deadline_after = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local max_queued, quota = tonumber(ARGV[5]), tonumber(ARGV[6])
local idempotency, body, idempotency_life = ARGV[7], ARGV[8], ARGV[9]
local unfinished = key('unfinished', owner)

if redis.call('EXISTS', job_key(id)) == 1 then return {'known', shown(id)} end

local record = key('idem', owner, idempotency)
if idempotency ~= '' then
  expect_type(record, 'hash')
  local earlier = redis.call('HMGET', record, 'job', 'body')
  if earlier[1] then
    if earlier[2] ~= body then return {'conflict'} end
    if redis.call('EXISTS', job_key(earlier[1])) == 0 then return {'gone'} end
    return {'replayed', shown(earlier[1])}
  end
end

-- Those of the owner's that ended without a trace use up no quota.
local function has_quota()
  if not quota or redis.call('ZCARD', unfinished) < quota then return true end
  for _, old in ipairs(redis.call('ZRANGE', unfinished, 0, 99)) do
    if not redis.call('ZSCORE', key('ready'), old)
      and not redis.call('ZSCORE', key('leases'), old) then
      redis.call('ZREM', unfinished, old)
    end
  end
  return redis.call('ZCARD', unfinished) < quota
end

local function next_place(seq)
  redis.call('HSETNX', key('turn'), priority, seq - 1)
  local noted = tonumber(redis.call('HGET', key('turn'), priority)) or 0
  local turn = math.min(noted, seq - 1)
  local level = -tonumber(priority) * LEVEL
  local last = redis.call('ZREVRANGEBYSCORE', unfinished, '(' .. level + LEVEL, level,
    'WITHSCORES', 'LIMIT', 0, 1)[2]
  return math.max(turn, (tonumber(last) or level) - level) + 1
end

sound_keys()
sound_keys_of(owner)
local waiting = redis.call('ZCARD', key('ready')) + redis.call('ZCARD', key('leases'))
if waiting >= max_queued or redis.call('EXISTS', key('full')) == 1 then
  return {'full'}
end
if not has_quota() then return {'quota'} end

local seq = redis.call('INCR', key('seq'))
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'priority', priority,
  'seq', seq, 'place', next_place(seq), 'attempt', 0, 'fence', 0, 'created_at', now,
  unpack(ARGV, 10))
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

local function answer()
  local cache = get(id, 'cache_key')
  if not cache or cache == '' then return nil end
  local twin = redis.pcall('GET', key('cache', cache))
  if type(twin) ~= 'string' then return nil end
  local found = redis.pcall('HMGET', job_key(twin), 'status', 'result', 'critic')
  return not is_error(found) and found[1] == 'succeeded' and found[2] and found or nil
end

local found = answer()
if found then
  redis.call('HSET', job_key(id), 'started_at', now, 'cached', 1, 'result', found[2])
  if found[3] then redis.call('HSET', job_key(id), 'critic', found[3]) end
  close(id, 'succeeded')
  -- The older one may be forgotten before this one.
  redis.call('SET', key('cache', get(id, 'cache_key')), id,
    'PX', number(id, 'result_ttl', WEEK))
  count('cache_hits')
else
  make_ready(id)
end
return {'accepted', shown(id)}
