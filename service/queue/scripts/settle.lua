-- Record what came of one attempt to notify a webhook.
-- ARGV: id, number of the attempt, verdict (delivered | failed | retry), ms until the
--       next attempt, status of the answer ('' for none), error ('' for none).
-- Returns 1, or 0 when the job is gone or a later attempt has been leased.
sound_keys()
local id, attempt, verdict, delay = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if get(id, 'webhook_attempts') ~= attempt
  or not redis.call('ZSCORE', key('deliveries'), id) then return 0 end
redis.call('HSET', job_key(id), 'webhook_last', cjson.encode({
  at = now,
  status = tonumber(ARGV[5]) or cjson.null,
  error = ARGV[6] ~= '' and ARGV[6] or cjson.null,
}))
if verdict == 'retry' then
  redis.call('ZADD', key('deliveries'), now + delay, id)
  redis.call('HSET', job_key(id), 'webhook_due', now + delay)
  count('webhooks_retried')
else
  end_delivery(id, verdict)
end
return 1
