-- Lets holds last from now on.
--
-- KEYS[1]  the queue
-- ARGV     of each task: id, fence, ms
-- Returns  the places in ARGV, counted in tasks from 0, of those whose hold is over or lost
-- Invariant: a hold that is over is not brought back to life, also before anybody noticed.

local queue, at, lost = KEYS[1], now(), {}
move(queue)
for i = 1, #ARGV, 3 do
  local id = ARGV[i]
  local mine = parse(redis.call('HGET', queue .. ':holds', id)) == ARGV[i + 1]
  local ends = mine and tonumber(redis.call('ZSCORE', queue .. ':leases', id) or 0) or 0
  if ends > at then
    redis.call('ZADD', queue .. ':leases', at + tonumber(ARGV[i + 2]), id)
  else
    lost[#lost + 1] = (i - 1) / 3
  end
end
return lost
