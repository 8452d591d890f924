-- Ends tasks whose work is done.
--
-- KEYS[1]  the queue
-- ARGV     of each task: id, fence, key or ''
-- Returns  the places in ARGV, counted in tasks from 0, of those whose hold was lost before
-- Invariant: without the fence of its hold nothing of a task is changed.

local queue, done, lost = KEYS[1], {}, {}
for i = 1, #ARGV, 3 do
  local id = ARGV[i]
  if parse(redis.call('HGET', queue .. ':holds', id)) == ARGV[i + 1] then
    done[#done + 1] = id
    yield(queue, ARGV[i + 2], id)
  else
    lost[#lost + 1] = (i - 1) / 3
  end
end
unhold(queue, done)
if #done > 0 then redis.call('HDEL', queue .. ':lapses', unpack(done)) end
return lost
