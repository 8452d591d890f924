-- Lays tasks with the dead.
--
-- KEYS[1]  the queue
-- ARGV     of each task: id, fence, key or '', what lies with the dead in its place
-- Returns  how many; those whose hold was lost are left as they are
-- Invariant: a dead task has no key, so the same may be asked for again.

local queue, dead = KEYS[1], {}
move(queue)
for i = 1, #ARGV, 4 do
  local id = ARGV[i]
  if parse(redis.call('HGET', queue .. ':holds', id)) == ARGV[i + 1] then
    redis.call('RPUSH', queue .. ':dlq', ARGV[i + 3])
    yield(queue, ARGV[i + 2], id)
    dead[#dead + 1] = id
  end
end
unhold(queue, dead)
close(queue, dead)
return #dead
