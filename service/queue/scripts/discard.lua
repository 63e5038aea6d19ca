-- Set aside a job whose record cannot be read.
-- ARGV: id, what is wrong. Returns the job as look.lua shows it.
set_aside(ARGV[1], ARGV[2], true)
return shown(ARGV[1])
