-- Returns a page of the tasks of one place.
--
-- KEYS[1]  the queue
-- ARGV     waiting, held, delayed or dead; offset; limit
-- Returns  of each task: id or '', list or -1, owner, ms (end of the hold, or due), progress, message
-- Invariant: those whose turn is next come first; nothing is changed.

local queue, place, offset, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local result = {}

local function show(id, list, owner, ms, progress, message)
  for _, value in ipairs({ id, list, owner, ms, progress, message }) do
    result[#result + 1] = value
  end
end

local function page(name, list)
  local length = redis.call('LLEN', name)
  if offset < length and limit > 0 then
    local found = redis.call('LRANGE', name, offset, offset + limit - 1)
    for _, message in ipairs(found) do show('', list, '', '0', '0', message) end
    limit = limit - #found
  end
  offset = math.max(0, offset - length)
end

local function ranked(name)
  if limit <= 0 then return {} end
  return redis.call('ZRANGE', queue .. name, offset, offset + limit - 1, 'WITHSCORES')
end

if place == 'waiting' then
  for _, list in ipairs({ 3, 2, 1, 4, 0 }) do page(queue .. NAMES[list], list) end
elseif place == 'dead' then
  page(queue .. ':dlq', -1)
elseif place == 'held' then
  local found = ranked(':leases')
  for i = 1, #found, 2 do
    local id = found[i]
    local _, list, owner = parse(redis.call('HGET', queue .. ':holds', id))
    local message = redis.call('HGET', queue .. ':processing', id)
    local progress = redis.call('HGET', queue .. ':progress', id)
    if list and message then show(id, list % ODD, owner, found[i + 1], progress or '0', message) end
  end
else
  local found = ranked(':delayed')
  for i = 1, #found, 2 do
    local kept = redis.call('HGET', queue .. ':waiting', found[i])
    if kept then
      show(found[i], tonumber(string.sub(kept, 1, 1)), '', found[i + 1], '0', string.sub(kept, 2))
    end
  end
end
return result
