-- Gives tasks back to the head of their lists, in the order in which they were taken.
--
-- KEYS[1]  the queue
-- ARGV     of each task: id, fence
-- Returns  the places in ARGV, counted in tasks from 0, of those whose hold was lost before
-- Invariant: the message is as it was before the take, and no attempt is counted.

local queue, given, lost = KEYS[1], {}, {}
move(queue)
for i = #ARGV - 1, 1, -2 do
  local fence, list = parse(redis.call('HGET', queue .. ':holds', ARGV[i]))
  if fence == ARGV[i + 1] then
    back(queue, ARGV[i], list % ODD)
    given[#given + 1] = ARGV[i]
  else
    lost[#lost + 1] = (i - 1) / 2
  end
end
unhold(queue, given)
if #given > 0 then hint(queue) end
return lost
