-- Returns holds that are over, on keys that begin with a prefix.
--
-- KEYS[1]  the leases
-- ARGV     prefix, how many at most
-- Returns  as list.lua does
-- Invariant: the longest ago come first; nothing is changed.

local prefix, most, at = ARGV[1], tonumber(ARGV[2]), text(now())
local PAGE, WIDTH = 500, 5 -- WIDTH: what show adds for one
local result, from, page = {}, 0, nil
repeat
  page = redis.call('ZRANGEBYSCORE', base .. ':ends', '-inf', at, 'LIMIT', from, PAGE)
  for _, key in ipairs(page) do
    if #result >= most * WIDTH then return result end
    if string.sub(key, 1, #prefix) == prefix then show(result, key, '') end
  end
  from = from + PAGE
until #page < PAGE
return result
