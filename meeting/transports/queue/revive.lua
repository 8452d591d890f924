-- Gives dead letters new attempts, at the head of their lists.
--
-- KEYS[1]  the queue
-- ARGV     of each letter: what lies with the dead, id, list, key or '', message as it is from now on
-- Returns  how many; what somebody else revived or threw away meanwhile is left out, and what has
--          a key that another task has by now stays
-- Invariant: while a task has a key, no other with the same is laid.

local queue, revived = KEYS[1], 0
look(queue)
for i = 1, #ARGV, 5 do
  local dead, id, list, key, message = unpack(ARGV, i, i + 4)
  local name = queue .. ':key:' .. key
  if (key == '' or redis.call('EXISTS', name) == 0) and redis.call('LREM', queue .. ':dlq', 1, dead) == 1 then
    if key ~= '' then redis.call('SET', name, id, 'PX', DAY) end
    redis.call('ZREM', queue .. ':cancelled', id)
    redis.call('SADD', queue .. ':open', id)
    redis.call('LPUSH', queue .. NAMES[tonumber(list)], message)
    revived = revived + 1
  end
end
if revived > 0 then hint(queue) end
return revived
