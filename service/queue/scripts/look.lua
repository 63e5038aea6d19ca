-- Show a job.
-- ARGV: id. Returns {fields and values of the job hash, jobs that go before it or nil}.
return shown(ARGV[1])
