-- What to do with jobs whose keys are damaged or lost (a flipped bit, a repaired
-- append-only file): set them aside as failed, so that they hold up nobody else. The
-- loader puts this text after common.lua in every script that goes through many jobs.

local NUMBERS = {'priority', 'seq', 'attempt', 'created_at'}
local OPTIONAL_NUMBERS = {
  'place', 'started_at', 'ended_at', 'deadline_at', 'fence', 'webhook_attempts',
  'webhook_due', 'result_ttl', 'event_ttl', 'max_events', 'max_kept',
}
local SIDE = '{"dataset":"","n":0,"dim":0}'
local TEXTS = {  -- what stands in place of each that cannot be read; false: nothing
  config = '{}', labels = '{}', source = SIDE, target = SIDE,
  progress = false, error = false, webhook = false, webhook_last = false,
}

-- Say what is wrong with a job's hash; nil for a sound one.
local function fault(id)
  local found = redis.pcall('HMGET', job_key(id), 'id', 'owner', unpack(NUMBERS))
  if is_error(found) then return 'its key is not a hash' end
  if found[1] ~= id then return found[1] and 'its id is another' or 'it has no hash' end
  if not found[2] then return 'it has no owner' end
  for i, field in ipairs(NUMBERS) do
    if not tonumber(found[i + 2]) then return 'its ' .. field .. ' is no number' end
  end
  return nil
end

-- Make a hash readable again: what is missing or damaged gets a plain value, or goes.
-- Texts that parse and yet make no sense are replaced where `all` says so.
local function patch(id, all)
  local hash = job_key(id)
  redis.call('HSET', hash, 'id', id, 'owner', get(id, 'owner') or '')
  for _, field in ipairs(NUMBERS) do
    local usual = field == 'created_at' and now or 0
    if not number(id, field) then redis.call('HSET', hash, field, usual) end
  end
  for _, field in ipairs(OPTIONAL_NUMBERS) do
    if not number(id, field) then redis.call('HDEL', hash, field) end
  end
  for field, blank in pairs(TEXTS) do
    local text = get(id, field)
    local sound = not all and text and pcall(cjson.decode, text)
    if not sound and blank then
      redis.call('HSET', hash, field, blank)
    elseif not sound and text then
      redis.call('HDEL', hash, field)
    end
  end
end

-- Take a job whose record is damaged out of everybody's way, and note it for the log.
-- One that has ended stays ended as it did; any other has failed.
local function set_aside(id, why, all)
  for _, name in ipairs({'ready', 'queued', 'leases', 'deadlines'}) do
    redis.call('ZREM', key(name), id)
  end
  local note = cjson.encode({job_id = id, reason = why, at = now})
  redis.call('RPUSH', key('damaged'), note)
  redis.call('LTRIM', key('damaged'), -1000, -1)
  count('jobs_damaged')
  if redis.call('TYPE', job_key(id)).ok ~= 'hash' then return forget(id, '') end
  patch(id, all)
  redis.call('ZADD', key('index'), 'NX', get(id, 'seq'), id)
  redis.call('ZADD', key('index', get(id, 'owner')), 'NX', get(id, 'seq'), id)
  if not is_terminal(get(id, 'status')) then
    fail(id, 'job_damaged', 'The record of this job was damaged: ' .. why .. '.')
  end
end

-- Bring the sets into line with one job's hash. Where both speak, the sets are right.
local function mend(id, max_attempts)
  local why = fault(id)
  if why then return set_aside(id, why) end
  sound_keys_of(get(id, 'owner'))
  local status, owner, seq = get(id, 'status'), get(id, 'owner'), get(id, 'seq')
  redis.call('ZADD', key('index'), 'NX', seq, id)
  redis.call('ZADD', key('index', owner), 'NX', seq, id)
  if not is_terminal(status) then
    redis.call('ZADD', key('unfinished', owner), 'NX', score(id), id)
  end
  if redis.call('ZSCORE', key('ready'), id) then
    if status ~= 'queued' then redis.call('HSET', job_key(id), 'status', 'queued') end
  elseif redis.call('ZSCORE', key('leases'), id) then
    if status ~= 'running' then redis.call('HSET', job_key(id), 'status', 'running') end
  elseif status == 'queued' then
    make_ready(id)
  elseif status == 'running' then
    lose(id, max_attempts)
  elseif not is_terminal(status) then
    set_aside(id, 'its status is unknown')
  elseif not redis.call('ZSCORE', key('expiries'), id)
    or not redis.call('ZSCORE', key('ended', owner), id) then
    keep(id, owner)
  elseif not get(id, 'webhook_status') then
    owe_notification(id, status)
  elseif get(id, 'webhook_status') == 'pending' then
    redis.call('ZADD', key('deliveries'), 'NX', now, id)
  end
end
