-- Takes a batch of the outbox and moves the position behind it; stands behind the queues' shared.lua.
--
-- KEYS[1]      the position
-- KEYS[2..]    the streams and queues that the batch goes into, then the streams of all topics
-- ARGV[1]      where the position must be, else nothing is done
-- ARGV[2]      where it is afterwards
-- ARGV[3]      how many of KEYS[2..] the batch goes into
-- ARGV[4]      the channel that tells all processes of the house, ARGV[5] what it tells
-- ARGV[6..]    seven a message: 'stream' or 'queue', its key's number in KEYS, and of an event its
--              place in the outbox, its text, what is published of it ('': nothing) on the channel
--              that is the key without its ':log', '', ''; of a task what put.lua wants of it
--
-- Returns 1: carried. 0: the position is elsewhere. -1: a stream was further than the position,
-- so it was not carried by a relay or the position was lost; streams and position are gone now.
--
-- Invariant: no stream's last id is greater than the position. Everything that can fail is
-- looked at before the first write, since a script is not rolled back.

if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then
  return 0
end
local before, used = tonumber(ARGV[1]), tonumber(ARGV[3])

local function top(key)
  if redis.call('TYPE', key).ok == 'none' then return 0 end
  local told = redis.call('XINFO', 'STREAM', key)
  for i = 1, #told, 2 do
    if told[i] == 'last-generated-id' then
      return tonumber(string.match(told[i + 1], '^(%d+)-'))
    end
  end
end

local kinds = {}
for i = 6, #ARGV, 7 do
  kinds[tonumber(ARGV[i + 1])] = ARGV[i]
end
for number, kind in pairs(kinds) do
  if kind == 'queue' then
    look(KEYS[number])
  elseif top(KEYS[number]) > before then
    for each, other in pairs(kinds) do
      if other == 'stream' then redis.call('DEL', KEYS[each]) end
    end
    redis.call('DEL', KEYS[1], unpack(KEYS, 2 + used))
    return -1
  end
end

-- First, so that whoever hears one of our own events knows its id already.
redis.call('PUBLISH', ARGV[4], ARGV[5])
local at = now()
for i = 6, #ARGV, 7 do
  local key = KEYS[tonumber(ARGV[i + 1])]
  if ARGV[i] == 'stream' then
    redis.call('XADD', key, ARGV[i + 2] .. '-0', 'm', ARGV[i + 3])
    if ARGV[i + 4] ~= '' then
      redis.call('PUBLISH', string.sub(key, 1, -5), ARGV[i + 4])
    end
  else
    local list, due = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 5])
    if lay(key, at, ARGV[i + 2], list, ARGV[i + 4], due, ARGV[i + 6]) == 1 then
      redis.call('SADD', key .. ':open', ARGV[i + 2])
    end
  end
end
for number, kind in pairs(kinds) do
  if kind == 'queue' then hint(KEYS[number]) end
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
