-- Let workers claim no more jobs, or claim them again, and tell what is held.
-- ARGV: 'on', 'off' or 'look', then names: of a worker, of a host (all workers on it),
--       or '*' (all workers). 'off' without names ends every drain.
-- Returns {name, since, ...} of what is drained, and {worker, jobs that it holds, ...}.
local what, names = ARGV[1], {unpack(ARGV, 2)}
expect_type(key('draining'), 'hash')
if what == 'on' then
  for _, name in ipairs(names) do redis.call('HSETNX', key('draining'), name, now) end
elseif what == 'off' then
  if #names == 0 then redis.call('DEL', key('draining')) end
  for _, name in ipairs(names) do redis.call('HDEL', key('draining'), name) end
  redis.call('XADD', key('bell'), 'MAXLEN', 1, '*', 'x', 1)
end

local held, order = {}, {}
for _, id in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
  local token = redis.pcall('HGET', job_key(id), 'token')
  local worker = type(token) == 'string' and string.match(token, '^(.*)#%d+$') or ''
  if not held[worker] then order[#order + 1] = worker end
  held[worker] = (held[worker] or 0) + 1
end
local counts = {}
for _, worker in ipairs(order) do
  counts[#counts + 1] = worker
  counts[#counts + 1] = held[worker]
end
return {redis.call('HGETALL', key('draining')), counts}
