-- Shows how far a running task is.
--
-- KEYS[1]  the queue
-- ARGV     id, fence, 0 to 1
-- Returns  1, or 0 where the hold was lost
-- Invariant: without the fence of its hold nothing of a task is changed.

if parse(redis.call('HGET', KEYS[1] .. ':holds', ARGV[1])) ~= ARGV[2] then return 0 end
move(KEYS[1])
redis.call('HSET', KEYS[1] .. ':progress', ARGV[1], ARGV[3])
return 1
