-- Changes what a hold shows.
--
-- KEYS[1]  the leases
-- ARGV     key, fence, owner, value
-- Returns  1; 0 where it was lost before
-- Invariant: without the fence of its hold nothing of a key is changed.

local fence, owner = read(ARGV[1])
if fence ~= ARGV[2] or owner ~= ARGV[3] then return 0 end
redis.call('HSET', base .. ':values', ARGV[1], ARGV[4])
return 1
