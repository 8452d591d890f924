-- What the scripts of a queue have in common; stands before the text of each of them.
--
-- The contract's keys: <queue>:critical|high|normal|low and the bare <queue>, LISTs of messages;
-- <queue>:processing, HASH id -> message; <queue>:dlq, LIST. Ours, below the same prefix:
--   :leases     ZSET id -> end of the hold, ms      :holds     HASH id -> "<fence> <list> <owner>"
--   :delayed    ZSET id -> due, ms                  :waiting   HASH id -> <list><message>
--   :lapses     HASH id -> holds that ended         :progress  HASH id -> 0 to 1
--   :cancelled  ZSET id -> until when to know of it :state     HASH turn, fence
--   :open       SET of ids that a relay has brought and that have not ended, wherever they are
--   :hint       STREAM, one entry: something came   :key:<key> id of the task that has the key
--
-- Invariant: a message is in exactly one place, and is laid into the next before it is taken out
-- of the last. A message is never written anew here: cjson would make {} of [] and round numbers.

local DAY = 86400000
local NAMES = { [0] = ':low', ':normal', ':high', ':critical', '' }
local ODD = 5 -- added to the list of what is held only to be laid with the dead

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[1]) * 1e6 + tonumber(time[2])
end

local function now()
  local _, micros = clock()
  return math.floor(micros / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

local function hint(queue)
  redis.call('XADD', queue .. ':hint', 'MAXLEN', 1, '*', 'grown', 1)
end

-- Say that a script moves only what is there already, so that a server that is full does not refuse
-- it: it refuses what takes memory in only until a script has written something that takes none.
local function move(queue)
  redis.call('DEL', queue .. ':none')
end

local function lengths(queue)
  local waiting, total = {}, 0
  for list = 0, 4 do
    waiting[list] = redis.call('LLEN', queue .. NAMES[list])
    total = total + waiting[list]
  end
  return waiting, total
end

local function sound(queue, hashes)
  for _, name in ipairs(hashes) do redis.call('HLEN', queue .. name) end
end

-- Raise for a key that somebody else made and that is of another kind, before anything is changed.
local function look(queue)
  lengths(queue)
  sound(queue, { ':processing', ':holds', ':waiting', ':lapses', ':progress', ':state' })
  redis.call('ZCARD', queue .. ':leases')
  redis.call('ZCARD', queue .. ':delayed')
  redis.call('ZCARD', queue .. ':cancelled')
  redis.call('SCARD', queue .. ':open')
  redis.call('XLEN', queue .. ':hint')
  redis.call('LLEN', queue .. ':dlq')
end

-- Lay a letter where it belongs; 0 where its key is there already. A second one of an id that is
-- delayed waits in its lane: both come.
local function lay(queue, at, id, list, key, due, message)
  if key ~= '' and not redis.call('SET', queue .. ':key:' .. key, id, 'NX', 'PX', DAY) then
    return 0
  end
  if due > at and redis.call('HSETNX', queue .. ':waiting', id, list .. message) == 1 then
    redis.call('ZADD', queue .. ':delayed', due, id)
  else
    redis.call('RPUSH', queue .. NAMES[list], message)
  end
  return 1
end

-- Read a hold: its fence as it was written, and its list.
local function parse(hold)
  if not hold then return nil end
  local fence, list, owner = string.match(hold, '^(%d+) (%d) (.*)$')
  return fence, tonumber(list), owner
end

-- Take apart what is no letter: nil.
local function decode(message)
  if #message > 67108864 or not string.find(message, '^%s*{') then return nil end
  local read, found = pcall(cjson.decode, message)
  if read and type(found) == 'table' and next(found) ~= nil then return found end
  return nil
end

-- Say about when the oldest task that waits was written, in unix seconds: the oldest of those at the
-- heads. What came back stands there in no order, and strangers write what they like, or nothing:
-- so nobody may conclude from it that a task has ended.
local function oldest(queue)
  local first
  for list = 0, 4 do
    local message = redis.call('LINDEX', queue .. NAMES[list], 0)
    if message then
      local since
      if #message > 1048576 then
        -- Too long to be decoded for a number; in our own messages it stands near the end.
        since = string.match(string.sub(message, -4096), '"timestamp":(%d+)')
      else
        local found = decode(message)
        since = found and type(found.timestamp) ~= 'table' and found.timestamp
      end
      since = tonumber(since or nil)
      if since and since > 0 then first = math.min(first or since, since) end
    end
  end
  return first
end

-- Give a key back, if it is this task's.
local function yield(queue, key, id)
  if type(key) ~= 'string' or key == '' then return end
  local name = queue .. ':key:' .. key
  if redis.call('TYPE', name).ok == 'string' and redis.call('GET', name) == id then
    redis.call('DEL', name)
  end
end

-- Forget holds, by id; what they held is elsewhere by now, or done.
local function unhold(queue, ids)
  if #ids == 0 then return end
  redis.call('HDEL', queue .. ':processing', unpack(ids))
  redis.call('HDEL', queue .. ':holds', unpack(ids))
  redis.call('HDEL', queue .. ':progress', unpack(ids))
  redis.call('ZREM', queue .. ':leases', unpack(ids))
end

-- Forget what is known of tasks that have ended, by id; what held them is forgotten by unhold.
local function close(queue, ids)
  if #ids == 0 then return end
  redis.call('HDEL', queue .. ':lapses', unpack(ids))
  redis.call('SREM', queue .. ':open', unpack(ids))
end

-- Lay a held message back to the head of its list, without the time of the take.
local function back(queue, id, list)
  local message = redis.call('HGET', queue .. ':processing', id)
  if not message then return end
  local stamp = ',"processing_start_time":%d+}$'
  local at = string.find(message, stamp, math.max(1, #message - 60))
  if at then message = string.sub(message, 1, at - 1) .. '}' end
  redis.call('LPUSH', queue .. NAMES[list], message)
end
