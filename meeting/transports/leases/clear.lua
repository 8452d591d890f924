-- Ends the holds on a range of keys, over or not.
--
-- KEYS[1]  the leases
-- ARGV     the range's two ends as ZRANGEBYLEX wants them
-- Returns  the holds that there were, as list.lua does
-- Invariant: the last fence stays, so that those who come next get higher ones.

local result = {}
look()
for _, key in ipairs(redis.call('ZRANGEBYLEX', base .. ':names', ARGV[1], ARGV[2])) do
  show(result, key, '')
  drop(key)
end
return result
