-- Sets how long a hold lives from now on.
--
-- KEYS[1]  the leases
-- ARGV     key, fence, owner, microseconds
-- Returns  the hold as list.lua does; {} where it is over or lost
-- Invariant: a hold that is over is not brought back to life, also before anybody noticed.

local key, at, result = ARGV[1], now(), {}
look()
local fence, owner, ends = read(key)
if fence == ARGV[2] and owner == ARGV[3] and at < ends then
  slip()
  redis.call('ZADD', base .. ':ends', text(at + tonumber(ARGV[4])), key)
  show(result, key, '')
end
return result
