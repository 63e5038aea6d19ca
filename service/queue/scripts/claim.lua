-- Hand the first job to a worker, and with it those that follow in the same bucket.
-- ARGV: worker name, most jobs, how many to look at, most workers that one owner may
--       keep busy ('' for all).
-- Returns {id of the newest bell entry, id, token, id, token, ...}. Nobody is overtaken,
-- unless his owner has enough workers: a job of another bucket ends the claim. Nor does
-- a worker take what another could begin with: at most its share of all that wait. A job
-- without a bucket, or one that has been given out before, goes alone: a job that kills
-- its worker then takes no neighbour with it. A worker that is drained gets none.
local worker, most, scan = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local most_of_one = tonumber(ARGV[4])
sound_keys()
redis.call('ZADD', key('workers'), now, worker)

local bell = redis.call('XREVRANGE', key('bell'), '+', '-', 'COUNT', 1)
local claimed = {bell[1] and bell[1][1] or '0-0'}
if is_drained(worker) then return claimed end

-- Jobs that come after it, of owners who wait for nothing, are placed behind it.
local function note_turn(id)
  local priority = get(id, 'priority')
  local place = number(id, 'place', 0)
  local last = tonumber(redis.call('HGET', key('turn'), priority)) or 0
  if place > last then redis.call('HSET', key('turn'), priority, place) end
end

local function hand_out(id, attempt)
  local token = worker .. '#' .. redis.call('HINCRBY', job_key(id), 'fence', 1)
  redis.call('HINCRBY', job_key(id), 'attempt', 1)
  unready(id)
  redis.call('ZADD', key('leases'), now, id)
  redis.call('HSET', job_key(id), 'status', 'running', 'token', token, 'started_at', now)
  add_event(id, 'running', cjson.encode({attempt = attempt + 1}))
  note_turn(id)
  claimed[#claimed + 1] = id
  claimed[#claimed + 1] = token
end

local waiting = redis.call('ZCARD', key('ready'))
local workers = redis.call('ZCARD', key('workers'))
most = math.min(most, math.ceil(waiting / workers))

-- Workers by the owner whose jobs they run; a pack of jobs is one worker's.
local function workers_by_owner()
  local busy = {}
  for _, id in ipairs(most_of_one and redis.call('ZRANGE', key('leases'), 0, -1) or {}) do
    local held = redis.pcall('HMGET', job_key(id), 'owner', 'token')
    local holder = not is_error(held) and held[1] and string.match(held[2] or '', '^(.*)#')
    if holder then
      local known = busy[held[1]] or {count = 0}
      if not known[holder] then known.count, known[holder] = known.count + 1, true end
      busy[held[1]] = known
    end
  end
  return busy
end

local busy = workers_by_owner()
local function has_enough(id)
  if not most_of_one then return false end
  local owner = redis.pcall('HGET', job_key(id), 'owner')
  return type(owner) == 'string' and owner ~= ''
    and busy[owner] ~= nil and busy[owner].count >= most_of_one
end

local bucket = nil
for _, id in ipairs(redis.call('ZRANGE', key('ready'), 0, scan - 1)) do
  local passed_over = bucket == nil and has_enough(id)
  local why = not passed_over and fault(id)
  local deadline = not passed_over and not why and number(id, 'deadline_at')
  if passed_over then  -- nothing: jobs of others may come before it
  elseif why then
    set_aside(id, why)
  elseif deadline and now > deadline then
    fail(id, 'deadline_exceeded', 'The deadline passed before a worker was free.')
  else
    local own, attempt = get(id, 'bucket') or '', number(id, 'attempt')
    local packable = own ~= '' and attempt == 0
    if bucket and not (packable and own == bucket) then break end
    hand_out(id, attempt)
    if not packable or #claimed > 2 * most then break end
    bucket = own
  end
end
return claimed
