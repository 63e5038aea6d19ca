-- Cancel a job: a queued one ends at once, a running one is asked to stop.
-- ARGV: id. Returns 1, or 0 when there is no such job. Ended jobs stay as they are.
local id = ARGV[1]
sound_keys()
local status = get(id, 'status')
if not status then return 0 end
if status == 'queued' then
  redis.call('HSET', job_key(id), 'cancel', 1)
  close(id, 'cancelled')
elseif status == 'running' and not get(id, 'cancel') then
  redis.call('HSET', job_key(id), 'cancel', 1)
  add_event(id, 'cancelling')
end
return 1
