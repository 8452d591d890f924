-- What the scripts of leases have in common; stands before the text of each of them.
--
-- Keys, below KEYS[1]:
--   :names   ZSET key, all of one score: so they lie in the order of their code points
--   :ends    ZSET key -> end of the hold, unix microseconds (a double holds them up to 2255)
--   :holds   HASH key -> "<fence> <owner>"       :values  HASH key -> JSON, which nobody reads here
--   :fence   the last that was given
--
-- Invariant: a hold is in all four or in none. Everything that can fail is looked at before the
-- first write, since a script is not rolled back.

local base = KEYS[1]

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1e6 + tonumber(time[2])
end

local function text(number)
  return string.format('%.0f', number)
end

-- Say that a script takes no room that counts, so that a server that is full does not refuse it: it
-- refuses what takes memory in only until a script has written something that takes none. Readers
-- of the log hold leases, and what they have read is what can be thrown away.
local function slip()
  redis.call('DEL', base .. ':none')
end

-- Raise for a key that somebody else made and that is of another kind.
local function look()
  redis.call('ZCARD', base .. ':names')
  redis.call('ZCARD', base .. ':ends')
  redis.call('HLEN', base .. ':holds')
  redis.call('HLEN', base .. ':values')
  redis.call('STRLEN', base .. ':fence')
end

-- Read a hold: its fence as it was written, its owner, its end; nil where there is none.
local function read(key)
  local fence, owner = string.match(redis.call('HGET', base .. ':holds', key) or '', '^(%d+) (.*)$')
  if not fence then return nil end
  return fence, owner, tonumber(redis.call('ZSCORE', base .. ':ends', key) or 0)
end

local function drop(key)
  redis.call('ZREM', base .. ':names', key)
  redis.call('ZREM', base .. ':ends', key)
  redis.call('HDEL', base .. ':holds', key)
  redis.call('HDEL', base .. ':values', key)
end

-- Add a hold to what is returned, if it is one, and of this owner or '' is asked for.
local function show(result, key, wanted)
  local fence, owner, ends = read(key)
  if fence and (wanted == '' or wanted == owner) then
    local value = redis.call('HGET', base .. ':values', key) or '{}'
    for _, each in ipairs({ key, fence, owner, text(ends), value }) do
      result[#result + 1] = each
    end
  end
end
