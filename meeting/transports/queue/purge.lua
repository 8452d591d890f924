-- Throws a piece of what waits, is delayed or is dead away.
--
-- KEYS[1]  the queue
-- ARGV     waiting, delayed or dead; how many at most
-- Returns  how many
-- Invariant: what is gone has no key, so the same may be asked for again.

local queue, place, left = KEYS[1], ARGV[1], tonumber(ARGV[2])
local gone = 0

local function forget(message)
  local found = decode(message)
  if found and type(found.id) == 'string' then
    yield(queue, found.key, found.id)
    close(queue, { found.id })
  end
  gone = gone + 1
end

if place == 'dead' then
  gone = redis.call('LLEN', queue .. ':dlq')
  redis.call('UNLINK', queue .. ':dlq')
elseif place == 'delayed' then
  for _, id in ipairs(redis.call('ZRANGE', queue .. ':delayed', 0, left - 1)) do
    local kept = redis.call('HGET', queue .. ':waiting', id)
    if kept then forget(string.sub(kept, 2)) end
    redis.call('HDEL', queue .. ':waiting', id)
    redis.call('ZREM', queue .. ':delayed', id)
  end
else
  for list = 0, 4 do
    while gone < left do
      local message = redis.call('LPOP', queue .. NAMES[list])
      if not message then break end
      forget(message)
    end
  end
end
return gone
