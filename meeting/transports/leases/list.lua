-- Returns the holds on a range of keys, over or not.
--
-- KEYS[1]  the leases
-- ARGV     the range's two ends as ZRANGEBYLEX wants them; an owner, or '' for all
-- Returns  of each hold: key, fence, owner, end, value
-- Invariant: they come by key, in the order of the code points; nothing is changed.

local result = {}
for _, key in ipairs(redis.call('ZRANGEBYLEX', base .. ':names', ARGV[1], ARGV[2])) do
  show(result, key, ARGV[3])
end
return result
