-- Forget an ended job. ARGV: id.
-- Returns 'deleted', 'active' for a job that is queued or running, or 'unknown'.
local id = ARGV[1]
local status = get(id, 'status')
if not status then return 'unknown' end
if status == 'queued' or status == 'running' then return 'active' end
forget(id, get(id, 'owner'))
return 'deleted'
