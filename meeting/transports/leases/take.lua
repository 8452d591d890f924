-- Takes a key, unless a hold of another owner lives on it.
--
-- KEYS[1]  the leases
-- ARGV     key, owner, microseconds, value
-- Returns  {fence, end}; {} while another has the key
-- Invariant: the fence is higher than any before it on any key, also where the keys were lost.

local key, owner, at = ARGV[1], ARGV[2], now()
local held, holder, ends = read(key)
if held and holder ~= owner and at < ends then return {} end
look()
local fence = text(math.max((tonumber(redis.call('GET', base .. ':fence')) or 0) + 1, at))
local last = text(at + tonumber(ARGV[3]))
slip()
redis.call('SET', base .. ':fence', fence)
redis.call('ZADD', base .. ':names', 0, key)
redis.call('ZADD', base .. ':ends', last, key)
redis.call('HSET', base .. ':holds', key, fence .. ' ' .. owner)
redis.call('HSET', base .. ':values', key, ARGV[4])
return { fence, last }
