-- Counts what is where in a queue.
--
-- KEYS[1]  the queue
-- Returns  {low, normal, high, critical, bare, held, delayed, dead, age of the oldest waiting in ms}
-- Invariant: the oldest waits at the head of a list, so only these are read.

local queue, at, oldest = KEYS[1], now(), nil
local counts = {}
for list = 0, 4 do
  counts[list + 1] = redis.call('LLEN', queue .. NAMES[list])
  local message = redis.call('LINDEX', queue .. NAMES[list], 0)
  if message then
    local since
    if #message > 1048576 then
      -- Too long to be decoded for a number; in our own messages it stands near the end.
      since = string.match(string.sub(message, -4096), '"timestamp":(%d+)')
    else
      local found = decode(message)
      since = found and type(found.timestamp) ~= 'table' and found.timestamp
    end
    since = tonumber(since or nil)
    if since and since > 0 then oldest = math.min(oldest or since, since) end
  end
end
counts[6] = redis.call('ZCARD', queue .. ':leases')
counts[7] = redis.call('ZCARD', queue .. ':delayed')
counts[8] = redis.call('LLEN', queue .. ':dlq')
counts[9] = oldest and math.max(0, math.floor(at - oldest * 1000)) or 0
return counts
