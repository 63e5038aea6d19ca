-- Publish training reports of a running job.
-- ARGV: id, token, report (JSON), report, ...; the last one becomes field `progress`.
-- Returns 1, or 0 when the caller does not hold the job.
local id, token = ARGV[1], ARGV[2]
if not owned(id, token) then return 0 end
redis.call('HSET', job_key(id), 'progress', ARGV[#ARGV])
for i = 3, #ARGV do add_event(id, 'progress', ARGV[i]) end
return 1
