-- Lease notifications that are due to whoever sends them.
-- ARGV: lease in ms, most of them, most at once to one host, most attempts, pause in ms,
--       then host, how many the caller is sending to it now, ...
-- Returns {how many were put off, id, attempt, id, attempt, ...}. Those whose host has
-- as many in flight as it may are passed over, and put off by the pause where they are
-- all that was found, so that a slow host holds up nobody else. One whose last attempt
-- was never settled (its sender died) is given up.
sound_keys()
local lease, most, per_host = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local max_attempts, pause = tonumber(ARGV[4]), tonumber(ARGV[5])
local SCAN = 256

local flying = {}
for i = 6, #ARGV, 2 do flying[ARGV[i]] = tonumber(ARGV[i + 1]) end

local claimed, passed_over = {}, {}
local due = redis.call('ZRANGEBYSCORE', key('deliveries'), '-inf', now, 'LIMIT', 0, SCAN)
for _, id in ipairs(due) do
  if #claimed >= 2 * most then break end
  local webhook = redis.pcall('HGET', job_key(id), 'webhook')
  local readable, host = pcall(function() return cjson.decode(webhook).host end)
  local busy = readable and host and flying[host] or 0
  if not readable or type(host) ~= 'string' then
    redis.call('ZREM', key('deliveries'), id)
    count('webhooks_dropped')
  elseif number(id, 'webhook_attempts', 0) >= max_attempts then
    end_delivery(id, 'failed')
  elseif busy >= per_host then
    passed_over[#passed_over + 1] = id
  else
    flying[host] = busy + 1
    redis.call('ZADD', key('deliveries'), now + lease, id)
    claimed[#claimed + 1] = id
    claimed[#claimed + 1] = redis.call('HINCRBY', job_key(id), 'webhook_attempts', 1)
  end
end

if #claimed > 0 then return {0, unpack(claimed)} end
for _, id in ipairs(passed_over) do
  redis.call('ZADD', key('deliveries'), now + pause, id)
end
return {#passed_over}
