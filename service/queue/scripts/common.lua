-- Helpers and the key map; the loader puts this text before every script.
--
-- KEYS[1] is the hash tag `{prefix}`. Every key starts with it, so all of them live in
-- one cluster slot. The state of a job is the set its id is in: `ready` -> queued,
-- `leases` -> running, neither -> ended. Times are milliseconds of the server's clock.
--
--   :ready          zset    job id -> -priority * 2^32 + seq; the next job first
--   :queued         zset    job id -> created_at; the same jobs as in `ready`
--   :leases         zset    job id -> time of the last heartbeat
--   :job:<id>       hash    see below
--   :events:<id>    stream  type, at, data (JSON); trimmed to max_events
--   :bell           stream  of length 1; an entry is added when a job becomes ready
--   :seq            string  counter; order of arrival
--   :seen           string  last time that a worker beat or anybody reaped
--   :grace          string  no lease is taken away before this time
--   :deadlines      zset    job id -> deadline; jobs that have one and have not ended
--   :index          zset    job id -> seq; every job that is kept
--   :index:<owner>  zset    the same, of one owner
--   :active:<owner> set     ids of the owner's queued and running jobs
--   :expiries       zset    job id -> time at which an ended job is forgotten
--   :deliveries     zset    job id -> when its webhook is told next; ended jobs whose
--                           notification is owed, or being sent (then: end of the lease)
--   :idem:<o>:<key> hash    job, body: what an idempotency key stands for; expires
--   :cache:<key>    string  job whose result answers the same question; expires
--   :rate:<name>    string  see rate.lua; expires
--   :sweeping       string  set while somebody removes unused files; expires
--   :workers        zset    worker name -> last time it was heard
--   :totals         hash    counters for the metrics
--
-- Fields of :job:<id>: id, status, owner, bucket, priority, seq, config, labels,
-- source, target (JSON), created_at, started_at, ended_at, deadline_at, attempt, fence,
-- token (of the holder), done_by (token that ended it), cancel ("1" once requested),
-- progress (JSON), checkpoint, result, critic (blob digests), cache_key, cached ("1":
-- took the result of an equal job), error (JSON), result_ttl, event_ttl, max_events.
-- Of a job with a webhook, also: webhook (JSON: url, host, events), webhook_status
-- (pending, delivered, failed, skipped; none before the job's end), webhook_attempts,
-- webhook_due (time of the next one), webhook_last (JSON: at, status, error).

local P = KEYS[1]

local function key(...) return P .. ':' .. table.concat({...}, ':') end
local function job_key(id) return key('job', id) end
local function get(id, field) return redis.call('HGET', job_key(id), field) end
local function count(name, by) redis.call('HINCRBY', key('totals'), name, by or 1) end

-- A job as the API shows it: its hash, flat, and how many jobs go before it (or nil).
local function shown(id)
  return {redis.call('HGETALL', job_key(id)), redis.call('ZRANK', key('ready'), id)}
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A zombie has the token of an earlier fence; a job given back has no token at all.
local function owned(id, token)
  return get(id, 'token') == token
    and redis.call('ZSCORE', key('leases'), id) ~= false
end

local function add_event(id, type, data)
  redis.call('XADD', key('events', id), 'MAXLEN', get(id, 'max_events') or 1000, '*',
    'type', type, 'at', now, 'data', data or '{}')
end

-- Put a job into `ready` at the place that its priority and arrival give it, and ring.
local function make_ready(id)
  local score = -tonumber(get(id, 'priority')) * 4294967296 + tonumber(get(id, 'seq'))
  redis.call('ZADD', key('ready'), score, id)
  redis.call('ZADD', key('queued'), get(id, 'created_at'), id)
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
  for _, event in ipairs(cjson.decode(webhook).events) do
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

-- End a job for good: the only place where a job becomes terminal.
local function close(id, status, detail)
  local result_ttl = tonumber(get(id, 'result_ttl'))
  local owner = get(id, 'owner')
  unready(id)
  redis.call('ZREM', key('leases'), id)
  redis.call('ZREM', key('deadlines'), id)
  redis.call('SREM', key('active', owner), id)
  redis.call('HDEL', job_key(id), 'token', 'checkpoint')
  redis.call('HSET', job_key(id), 'status', status, 'ended_at', now)
  add_event(id, status, detail)
  redis.call('ZADD', key('expiries'), now + result_ttl, id)
  redis.call('PEXPIRE', key('events', id), get(id, 'event_ttl'))
  owe_notification(id, status)
  count(status)
end

local function fail(id, code, message)
  local problem = cjson.encode({code = code, detail = message})
  redis.call('HSET', job_key(id), 'error', problem)
  close(id, 'failed', problem)
  count('failed_' .. code)
end

-- Remove every trace of an ended job.
local function forget(id, owner)
  redis.call('DEL', job_key(id), key('events', id))
  redis.call('ZREM', key('expiries'), id)
  if redis.call('ZREM', key('deliveries'), id) == 1 then count('webhooks_dropped') end
  redis.call('ZREM', key('index'), id)
  redis.call('ZREM', key('index', owner), id)
end
