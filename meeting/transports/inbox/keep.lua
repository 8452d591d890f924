-- Keeps the inbox of a process that lives, and forgets what it has read.
--
-- KEYS     the register, the inbox, its count
-- ARGV     the process, milliseconds, the id of the last frame that was read; '': make it anew
-- Returns  the id behind which the next frame comes; '' where the inbox is lost
-- Invariant: whoever is in the register has an inbox; after the milliseconds neither is there.

local register, inbox, count = KEYS[1], KEYS[2], KEYS[3]
local node, span, last = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if last == '' then
  redis.call('DEL', inbox, count)
  last = redis.call('XADD', inbox, '*', 'o', '')
  redis.call('SET', count, 0)
elseif redis.call('EXISTS', inbox) == 0 then
  return ''
else
  redis.call('XTRIM', inbox, 'MINID', last)
end
local time = redis.call('TIME')
local at = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('PEXPIRE', inbox, span)
redis.call('PEXPIRE', count, span)
redis.call('ZADD', register, at + span, node)
redis.call('ZREMRANGEBYSCORE', register, '-inf', at)
return last
