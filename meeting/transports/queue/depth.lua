-- Counts what is where in a queue.
--
-- KEYS[1]  the queue
-- Returns  {low, normal, high, critical, bare, held, delayed, dead, age of the oldest waiting in ms}
-- Invariant: nothing is changed. Of the lists only the heads are read, so the age is an estimate: an
--            older one may stand behind what came back.

local queue, at = KEYS[1], now()
local counts, since = {}, oldest(queue)
for list = 0, 4 do
  counts[list + 1] = redis.call('LLEN', queue .. NAMES[list])
end
counts[6] = redis.call('ZCARD', queue .. ':leases')
counts[7] = redis.call('ZCARD', queue .. ':delayed')
counts[8] = redis.call('LLEN', queue .. ':dlq')
counts[9] = since and math.max(0, math.floor(at - since * 1000)) or 0
return counts
