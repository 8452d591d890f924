-- Takes a task out that is held or delayed, and has it known that it is not to begin.
--
-- KEYS[1]  the queue
-- ARGV     id
-- Returns  1 where it was found; 0: it may wait in a list, or not have come yet
-- Invariant: what is not found is known as cancelled for a day, 10,000 of them at most.

local queue, id, at = KEYS[1], ARGV[1], now()
local message = redis.call('HGET', queue .. ':holds', id) and redis.call('HGET', queue .. ':processing', id)
local delayed = redis.call('HGET', queue .. ':waiting', id)
if message or delayed then
  local found = decode(message or string.sub(delayed, 2))
  yield(queue, found and found.key, id)
  unhold(queue, { id })
  close(queue, { id })
  redis.call('HDEL', queue .. ':waiting', id)
  redis.call('ZREM', queue .. ':delayed', id)
  redis.call('ZREM', queue .. ':cancelled', id)
  return 1
end
redis.call('ZREMRANGEBYSCORE', queue .. ':cancelled', '-inf', text(at))
redis.call('ZADD', queue .. ':cancelled', at + DAY, id)
redis.call('ZREMRANGEBYRANK', queue .. ':cancelled', 0, -10001)
return 0
