-- Spend one token of a rate limit (generic cell rate algorithm).
-- ARGV: name of the limit's holder, ms between two tokens, burst.
-- Key :rate:<name> string: time at which the holder is as good as new; expires then.
-- Returns {1 if allowed, tokens left, ms until the next token, ms until all are back}.
local record, interval, burst = key('rate', ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local noted = redis.pcall('GET', record)
if is_error(noted) then redis.call('DEL', record) end
-- A clock that was set back must not leave anybody waiting for it.
local latest = now + burst * interval
local full_at = math.min(latest, math.max(now, tonumber(noted) or 0))
local spent_at = full_at + interval
local wait = spent_at - burst * interval - now
if wait > 0 then return {0, 0, math.ceil(wait), math.ceil(full_at - now)} end
redis.call('SET', record, string.format('%.3f', spent_at),
  'PX', math.ceil(spent_at - now))
local left = math.floor((now + burst * interval - spent_at) / interval)
return {1, left, 0, math.ceil(spent_at - now)}
