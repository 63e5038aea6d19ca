-- End a job as its holder, once: only the current token is believed.
-- ARGV: id, token, status (succeeded | failed | cancelled), detail of the event (JSON),
--       then field, value, ... of the job hash (result, critic, error).
-- Returns 'done', or 'lost' when another holds or ended the job. A repeated call of the
-- one that ended it (its reply was lost) is 'done' again.
local id, token, status, detail = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local done_by = redis.pcall('HGET', job_key(id), 'done_by')
if done_by == token and is_terminal(get(id, 'status')) then return 'done' end
sound_keys()
if not owned(id, token) then
  count('commits_refused')
  return 'lost'
end
redis.call('HSET', job_key(id), 'done_by', token, unpack(ARGV, 5))
close(id, status, detail)
local cache = get(id, 'cache_key')
if status == 'succeeded' and cache and cache ~= '' then
  redis.call('SET', key('cache', cache), id, 'PX', number(id, 'result_ttl', WEEK))
end
local took = math.max(0, now - number(id, 'started_at', now))
count('run_count')
count('run_ms', took)
for _, bound_s in ipairs({1, 3, 10, 30, 100, 300, 1000, 3000, 10000}) do
  if took <= bound_s * 1000 then count('run_le_' .. bound_s) end
end
return 'done'
