-- Helpers and the key map; the loader puts this text before every script.
--
-- KEYS[1] is the hash tag `{prefix}`. Every key starts with it, so all of them live in
-- one cluster slot. The state of a job is the set its id is in: `ready` -> queued,
-- `leases` -> running, neither -> ended. Times are milliseconds of the server's clock.
-- Parts that people choose (owners, idempotency keys) are encoded, see `part`.
--
--   :ready          zset    job id -> -priority * 2^32 + place; the next job first
--   :queued         zset    job id -> created_at; the same jobs as in `ready`
--   :leases         zset    job id -> time of the last heartbeat
--   :job:<id>       hash    see below
--   :events:<id>    stream  type, at, data (JSON); trimmed to max_events
--   :bell           stream  of length 1; an entry is added when a job becomes ready
--   :seq            string  counter; order of arrival
--   :turn           hash    priority -> place of the job of it that was claimed last
--   :seen           string  last time that a worker beat or anybody reaped
--   :grace          string  no lease is taken away before this time
--   :deadlines      zset    job id -> deadline; jobs that have one and have not ended
--   :index          zset    job id -> seq; every job that is kept
--   :index:<owner>  zset    the same, of one owner
--   :unfinished:<o> zset    ids of the owner's queued and running jobs -> as in `ready`
--   :ended:<owner>  zset    ids of the owner's ended jobs -> when they ended
--   :expiries       zset    job id -> time at which an ended job is forgotten
--   :deliveries     zset    job id -> when its webhook is told next; ended jobs whose
--                           notification is owed, or being sent (then: end of the lease)
--   :idem:<o>:<key> hash    job, body: what an idempotency key stands for; expires
--   :cache:<key>    string  job whose result answers the same question; expires
--   :rate:<name>    string  see rate.lua; expires
--   :full           string  set while the server's memory is nearly used up; expires
--   :mended         string  set of jobs that is being looked over, and up to where
--   :damaged        list    id, why, at (JSON) of jobs set aside and not logged yet
--   :sweeping       string  set while somebody removes unused files; expires
--   :workers        zset    worker name -> last time it was heard
--   :devices        hash    worker name -> what it trains on (JSON)
--   :draining       hash    worker, host or `*` -> since when it claims nothing
--   :requests       hash    method, route, status, limit -> requests; the API's alone
--   :totals         hash    counters for the metrics
--
-- Fields of :job:<id>: id, status, owner, bucket, priority, seq, place (its turn among
-- the owners), config, labels, source, target (JSON), created_at, started_at, ended_at,
-- deadline_at, attempt, fence, token (of the holder), done_by (token that ended it),
-- cancel ("1" once requested), progress (JSON), checkpoint, result, critic (blob
-- digests), cache_key, cached ("1": took the result of an equal job), error (JSON),
-- result_ttl, event_ttl, max_events, max_kept.
-- Of a job that is traced, also: traceparent (of the request that submitted it).
-- Of a job with a webhook, also: webhook (JSON: url, host, events), webhook_status
-- (pending, delivered, failed, skipped; none before the job's end), webhook_attempts,
-- webhook_due (time of the next one), webhook_last (JSON: at, status, error).

local P = KEYS[1]
local LEVEL = 4294967296
local WEEK, HOUR = 604800000, 3600000

-- Write the separator in a part otherwise: owner `a:b` with key `c` is not `a`, `b:c`.
local ENCODED = {['%'] = '%25', [':'] = '%3A'}
local function part(text)
  if not string.find(text, '[%%:]') then return text end
  return (string.gsub(text, '[%%:]', ENCODED))
end
local function key(name, first, second)
  local whole = P .. ':' .. name
  if first then whole = whole .. ':' .. part(first) end
  if second then whole = whole .. ':' .. part(second) end
  return whole
end

local function job_key(id) return P .. ':job:' .. id end
local function get(id, field) return redis.call('HGET', job_key(id), field) end
local function number(id, field, otherwise) return tonumber(get(id, field)) or otherwise end
local function is_error(reply) return type(reply) == 'table' and reply.err ~= nil end
local function is_terminal(status)
  return status == 'succeeded' or status == 'failed' or status == 'cancelled'
end

local function count(name, by)
  local counted = redis.pcall('HINCRBY', key('totals'), name, by or 1)
  if is_error(counted) then redis.call('HSET', key('totals'), name, by or 1) end
end

-- Remove a key that is not what it must be; what belongs in it is put back by `mend`.
local function expect_type(name, wanted)
  local found = redis.call('TYPE', name).ok
  if found == wanted or found == 'none' then return end
  redis.call('DEL', name)
  count('keys_damaged')
end

-- Do so for all keys that jobs share. Whatever writes does this first: a script that
-- fails half-way is not undone, and would leave a job between two states.
local KINDS = {
  zset = {'ready', 'queued', 'leases', 'deadlines', 'index', 'expiries', 'deliveries',
    'workers'},
  string = {'seq', 'seen', 'grace', 'mended'},
  hash = {'totals', 'turn', 'devices', 'draining'},
  stream = {'bell'},
  list = {'damaged'},
}
local function sound_keys()
  for wanted, names in pairs(KINDS) do
    for _, name in ipairs(names) do expect_type(key(name), wanted) end
  end
end
local function sound_keys_of(owner)
  for _, name in ipairs({'unfinished', 'index', 'ended'}) do
    expect_type(key(name, owner), 'zset')
  end
end

-- A job as the API shows it: its hash, flat, and how many jobs go before it (or nil).
local function shown(id)
  return {redis.call('HGETALL', job_key(id)), redis.call('ZRANK', key('ready'), id)}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Tell whether a worker is to claim nothing: it, its host, or everybody.
local function is_drained(worker)
  local host = string.match(worker, '^(.*)%-%d+%-%x+$') or ''
  local found = redis.pcall('HMGET', key('draining'), '*', worker, host)
  return not is_error(found) and (found[1] or found[2] or found[3]) and true or false
end

-- A zombie has the token of an earlier fence; a job given back has no token at all.
local function owned(id, token)
  local held = redis.pcall('HGET', job_key(id), 'token')
  return held == token and redis.call('ZSCORE', key('leases'), id) ~= false
end

local function add_event(id, type, data)
  local stream, most = P .. ':events:' .. id, number(id, 'max_events', 1000)
  local added = redis.pcall('XADD', stream, 'MAXLEN', most, '*', 'type', type, 'at', now,
    'data', data or '{}')
  if not is_error(added) then return end
  redis.call('DEL', stream)  -- damaged; or the server takes no writes, and this fails too
  redis.call('XADD', stream, '*', 'type', type, 'at', now, 'data', data or '{}')
end

local function score(id)
  local place = number(id, 'place') or tonumber(get(id, 'seq'))
  return -tonumber(get(id, 'priority')) * LEVEL + place
end

-- Put a job into `ready` at the place that its priority and turn give it, and ring.
local function make_ready(id)
  redis.call('ZADD', key('ready'), score(id), id)
  redis.call('ZADD', key('unfinished', get(id, 'owner')), score(id), id)
  redis.call('ZADD', key('queued'), number(id, 'created_at', now), id)
  redis.call('HSET', job_key(id), 'status', 'queued')
  redis.call('XADD', key('bell'), 'MAXLEN', 1, '*', 'x', 1)
end

local function unready(id)
  redis.call('ZREM', key('ready'), id)
  redis.call('ZREM', key('queued'), id)
end

-- Take a job from its holder and queue it again.
local function requeue(id, reason)
  redis.call('ZREM', key('leases'), id)
  redis.call('HDEL', job_key(id), 'token', 'started_at')
  make_ready(id)
  add_event(id, 'requeued', cjson.encode({reason = reason}))
  count('requeued_' .. reason)
end

-- Owe the notification that a job's webhook wants of this end; being a part of the end
-- itself, it cannot be lost between the two.
local function owe_notification(id, status)
  local webhook = get(id, 'webhook')
  if not webhook then return end
  local readable, wanted = pcall(function() return cjson.decode(webhook).events end)
  for _, event in ipairs(readable and type(wanted) == 'table' and wanted or {}) do
    if event == 'job.' .. status then
      redis.call('ZADD', key('deliveries'), now, id)
      redis.call('HSET', job_key(id), 'webhook_status', 'pending', 'webhook_due', now)
      return
    end
  end
  redis.call('HSET', job_key(id), 'webhook_status', 'skipped')
end

-- Owe a notification no longer: it is delivered, or given up (failed).
local function end_delivery(id, status)
  redis.call('ZREM', key('deliveries'), id)
  redis.call('HDEL', job_key(id), 'webhook_due')
  redis.call('HSET', job_key(id), 'webhook_status', status)
  count('webhooks_' .. status)
end

-- Remove every trace of an ended job.
local function forget(id, owner)
  redis.call('DEL', job_key(id), key('events', id))
  redis.call('ZREM', key('expiries'), id)
  if redis.call('ZREM', key('deliveries'), id) == 1 then count('webhooks_dropped') end
  redis.call('ZREM', key('index'), id)
  redis.call('ZREM', key('index', owner), id)
  redis.call('ZREM', key('ended', owner), id)
  redis.call('ZREM', key('unfinished', owner), id)
end

-- Keep an ended job for its time, and only the newest of its owner.
local function keep(id, owner)
  local ended = key('ended', owner)
  redis.call('ZADD', key('expiries'), now + number(id, 'result_ttl', WEEK), id)
  local order = number(id, 'seq', 0) % 1000 / 1000  -- within a millisecond
  redis.call('ZADD', ended, now + order, id)
  local excess = redis.call('ZCARD', ended) - number(id, 'max_kept', math.huge)
  if excess <= 0 then return end
  for _, old in ipairs(redis.call('ZRANGE', ended, 0, math.min(excess, 10) - 1)) do
    forget(old, owner)
    count('jobs_displaced')
  end
end

-- End a job for good: the only place where a job becomes terminal.
local function close(id, status, detail)
  local owner = get(id, 'owner') or ''
  sound_keys_of(owner)
  unready(id)
  redis.call('ZREM', key('leases'), id)
  redis.call('ZREM', key('deadlines'), id)
  redis.call('ZREM', key('unfinished', owner), id)
  redis.call('HDEL', job_key(id), 'token', 'checkpoint')
  redis.call('HSET', job_key(id), 'status', status, 'ended_at', now)
  add_event(id, status, detail)
  redis.call('PEXPIRE', key('events', id), number(id, 'event_ttl', HOUR))
  owe_notification(id, status)
  keep(id, owner)
  count(status)
end

local function fail(id, code, message)
  local problem = cjson.encode({code = code, detail = message})
  redis.call('HSET', job_key(id), 'error', problem)
  close(id, 'failed', problem)
  count('failed_' .. code)
end

-- Take a running job from a worker that is lost to it.
local function lose(id, max_attempts)
  if get(id, 'cancel') then
    close(id, 'cancelled')
  elseif number(id, 'attempt', 0) >= max_attempts then
    fail(id, 'worker_lost', 'Workers were lost while running this job, '
      .. max_attempts .. ' times; it was not tried again.')
  else
    requeue(id, 'lost')
  end
end
