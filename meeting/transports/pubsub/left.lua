-- Tells which tasks may not have ended yet in a queue; stands behind the queues' shared.lua.
--
-- KEYS     the position, the queue
-- ARGV     how far the outbox was carried; then ids of tasks
-- Returns  nothing where the position has gone back; else about when the oldest that waits was
--          written, or ''; then the ids of those that may not have ended
-- Invariant: what was carried is open from that step on until the one that ends it, so it is left
--            wherever it stands, in whatever order, and whatever strangers laid before it. Only
--            where no list has anything, what is neither held nor delayed was popped by somebody
--            else. A queue that has lost what was carried is not taken for one whose tasks ended.

local queue, since = KEYS[2], oldest(KEYS[2])
if (tonumber(redis.call('GET', KEYS[1]) or 0) or 0) < tonumber(ARGV[1]) then return {} end
local found = { since and text(since) or '' }
local _, waiting = lengths(queue)
for i = 2, #ARGV do
  local id = ARGV[i]
  if redis.call('HEXISTS', queue .. ':holds', id) == 1
      or redis.call('HEXISTS', queue .. ':waiting', id) == 1
      or (waiting > 0 and redis.call('SISMEMBER', queue .. ':open', id) == 1) then
    found[#found + 1] = id
  else
    redis.call('SREM', queue .. ':open', id)
  end
end
return found
