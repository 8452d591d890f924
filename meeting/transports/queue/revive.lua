-- Gives dead letters new attempts.
--
-- KEYS[1]  the queue
-- ARGV     of each letter: what lies with the dead, id, list, message as it is from now on
-- Returns  how many; what somebody else revived or threw away meanwhile is left out
-- Invariant: a letter is laid into its list before it is taken from the dead.

local queue, revived = KEYS[1], 0
look(queue)
for i = 1, #ARGV, 4 do
  if redis.call('LREM', queue .. ':dlq', 1, ARGV[i]) == 1 then
    redis.call('ZREM', queue .. ':cancelled', ARGV[i + 1])
    redis.call('RPUSH', queue .. NAMES[tonumber(ARGV[i + 2])], ARGV[i + 3])
    revived = revived + 1
  end
end
if revived > 0 then hint(queue) end
return revived
