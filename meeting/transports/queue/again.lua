-- Lays a task whose attempt failed aside until its next one.
--
-- KEYS[1]  the queue
-- ARGV     id, fence, delay in ms, message as it is from now on
-- Returns  1, or 0 where the hold was lost: then nothing is changed
-- Invariant: lapses of the hold are counted in the message by now, so no longer beside it.

local queue, id = KEYS[1], ARGV[1]
local fence, list = parse(redis.call('HGET', queue .. ':holds', id))
if fence ~= ARGV[2] then return 0 end
look(queue)
move(queue)
lay(queue, now(), id, list % ODD, '', now() + math.max(1, tonumber(ARGV[3])), ARGV[4])
unhold(queue, { id })
redis.call('HDEL', queue .. ':lapses', id)
return 1
