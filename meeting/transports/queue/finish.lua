-- How tasks end whose work is done; stands before the text of settle.lua and of take.lua.
--
-- Invariant: without the fence of its hold nothing of a task is changed.

-- End tasks, of each: id, fence, key or '', from words[first] on; the places, counted in tasks from
-- 0, of those whose hold was lost before.
local function finish(queue, words, first)
  local done, lost = {}, {}
  for i = first, #words, 3 do
    local id = words[i]
    if parse(redis.call('HGET', queue .. ':holds', id)) == words[i + 1] then
      done[#done + 1] = id
      yield(queue, words[i + 2], id)
    else
      lost[#lost + 1] = (i - first) / 3
    end
  end
  unhold(queue, done)
  close(queue, done)
  return lost
end
