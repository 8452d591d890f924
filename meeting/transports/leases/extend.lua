-- Lets the holds on keys last from now on, whoever has them.
--
-- KEYS[1]  the leases
-- ARGV     microseconds, then the keys
-- Returns  nothing
-- Invariant: a hold that is over is not brought back to life, also before anybody noticed.

local at = now()
slip()
local last = text(at + tonumber(ARGV[1]))
for i = 2, #ARGV do
  local fence, _, ends = read(ARGV[i])
  if fence and at < ends then redis.call('ZADD', base .. ':ends', last, ARGV[i]) end
end
