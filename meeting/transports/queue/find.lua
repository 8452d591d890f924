-- Finds a task that is held or delayed; the lists are looked through by seek.lua.
--
-- KEYS[1]  the queue
-- ARGV     id
-- Returns  {held or delayed, list, owner, ms, progress, message}, or {}
-- Invariant: nothing is changed.

local queue, id = KEYS[1], ARGV[1]
local _, list, owner = parse(redis.call('HGET', queue .. ':holds', id))
local message = redis.call('HGET', queue .. ':processing', id)
if list and message then
  local ends = redis.call('ZSCORE', queue .. ':leases', id)
  local progress = redis.call('HGET', queue .. ':progress', id)
  return { 'held', list % ODD, owner, ends or '0', progress or '0', message }
end
local kept = redis.call('HGET', queue .. ':waiting', id)
if kept then
  local due = redis.call('ZSCORE', queue .. ':delayed', id)
  return { 'delayed', tonumber(string.sub(kept, 1, 1)), '', due or '0', '0', string.sub(kept, 2) }
end
return {}
