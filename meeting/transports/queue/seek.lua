-- Looks for a message by its id in a piece of a list, from the tail on; takes it out if told to.
--
-- KEYS[1]  the queue
-- ARGV     id, name of the list behind the queue's, how many from the tail were looked at before,
--          how many to look at, 1 to take it out
-- Returns  {how many were looked at, how many bytes that was}, and the message where it was found
-- Invariant: from the tail on nothing is overlooked, whatever is taken from the head meanwhile.

local queue, id, list, skip, count = KEYS[1], ARGV[1], KEYS[1] .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local page = redis.call('LRANGE', list, -skip - count, -skip - 1)
local bytes = 0
for i = #page, 1, -1 do
  local message = page[i]
  bytes = bytes + #message
  -- Decoding is dear: only what may have the id, as it stands or in escapes.
  if string.find(message, id, 1, true) or string.find(message, '\\u', 1, true) then
    local found = decode(message)
    if found and found.id == id then
      if ARGV[5] == '1' then
        local gap = 'taken out: ' .. id
        redis.call('LSET', list, -skip - 1 - (#page - i), gap)
        redis.call('LREM', list, -1, gap)
        yield(queue, found.key, id)
        close(queue, { id })
        redis.call('ZREM', queue .. ':cancelled', id)
      end
      return { #page, bytes, message }
    end
  end
end
return { #page, bytes }
