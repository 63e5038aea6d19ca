-- Give a running job back: it keeps its place, and the attempt does not count.
-- ARGV: id, token, digest of a checkpoint ('' for none).
-- Returns 'released', 'cancelled' when a cancel was waiting, or 'lost'.
local id, token, checkpoint = ARGV[1], ARGV[2], ARGV[3]
sound_keys()
if not owned(id, token) then return 'lost' end
if get(id, 'cancel') then
  close(id, 'cancelled')
  return 'cancelled'
end
if checkpoint ~= '' then
  redis.call('HSET', job_key(id), 'checkpoint', checkpoint)
end
redis.call('HINCRBY', job_key(id), 'attempt', -1)
requeue(id, 'released')
return 'released'
