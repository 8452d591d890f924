-- Tells which tasks may not have ended yet in a queue; stands behind the queues' shared.lua.
--
-- KEYS     the position, the queue
-- ARGV     how far the outbox was carried; then of each task: id, unix seconds when it was written
-- Returns  nothing where the position has gone back; else when the oldest that waits was written, or
--          ''; then of those that are as young, and of those that are held or delayed, the ids
-- Invariant: a queue that has lost what was carried is not taken for one whose tasks have ended.

local queue, since = KEYS[2], oldest(KEYS[2])
if (tonumber(redis.call('GET', KEYS[1]) or 0) or 0) < tonumber(ARGV[1]) then return {} end
local found = { since and text(since) or '' }
for i = 2, #ARGV, 2 do
  local id, written = ARGV[i], tonumber(ARGV[i + 1])
  if (since and written >= since) or redis.call('HEXISTS', queue .. ':holds', id) == 1
      or redis.call('HEXISTS', queue .. ':waiting', id) == 1 then
    found[#found + 1] = id
  end
end
return found
