-- Ends tasks whose work is done.
--
-- KEYS[1]  the queue
-- ARGV     of each task: id, fence, key or ''
-- Returns  the places in ARGV, counted in tasks from 0, of those whose hold was lost before
-- Invariant: without the fence of its hold nothing of a task is changed.

return finish(KEYS[1], ARGV, 1)
