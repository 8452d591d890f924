-- Ends what is done, as settle.lua does, and takes the tasks whose turn it is, after holds that are
-- over and delays that are due came back.
--
-- KEYS[1]  the queue
-- ARGV     owner, how many, how many bytes at most, an id that nobody has; then of each task that is
--          done: id, fence, key or ''
-- Returns  {popped, fence, unix seconds, then of each task: id, list, lapses, odd, message}; odd is
--          '', or why it is only to be laid with the dead: 'unreadable', 'twice' (its id is held),
--          'lapsed' (that was its last attempt)
-- Invariant: one fence a call, higher than any before it, also where the keys were lost.

local queue, owner, fresh = KEYS[1], ARGV[1], ARGV[4]
local limit, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local BATCH = 100 -- what comes back at one time
local seconds, micros = clock()
local at = math.floor(micros / 1000)

finish(queue, ARGV, 5)
local over = redis.call('ZRANGEBYSCORE', queue .. ':leases', '-inf', text(at), 'LIMIT', 0, BATCH)
local state = redis.call('HMGET', queue .. ':state', 'turn', 'fence')
local fence = text(math.max((tonumber(state[2]) or 0) + 1, micros))
local result = { 0, fence, seconds }
local popped, bytes, taken = 0, 0, 0

local function give(id, list, lapses, odd, message)
  for _, value in ipairs({ id, list, lapses, odd, message }) do result[#result + 1] = value end
  bytes = bytes + #message
end

local function number(value, default)
  return type(value) ~= 'table' and tonumber(value) or default
end

-- Say whether a hold that is over was the last attempt; then it is held on, to be laid with the dead.
local function last(id, list, lapses)
  local message = redis.call('HGET', queue .. ':processing', id)
  local found = message and decode(message)
  if not found or number(found.retry_count, 0) + lapses <= number(found.max_retries, 3) then
    return false
  end
  redis.call('HSET', queue .. ':holds', id, fence .. ' ' .. (list + ODD) .. ' ' .. owner)
  redis.call('ZADD', queue .. ':leases', at + 30000, id)
  give(id, list, lapses, 'lapsed', message)
  popped = popped + 1
  return true
end

if #over > 0 then
  look(queue)
  move(queue)
end
local free = {}
for i = #over, 1, -1 do
  local id, spent = over[i], false
  local _, list = parse(redis.call('HGET', queue .. ':holds', id))
  if list and list < ODD then
    local lapses = redis.call('HINCRBY', queue .. ':lapses', id, 1)
    redis.call('PEXPIRE', queue .. ':lapses', DAY)
    spent = last(id, list, lapses)
  end
  if list and not spent then back(queue, id, list % ODD) end
  if not spent then free[#free + 1] = id end
end
unhold(queue, free)

local due = redis.call('ZRANGEBYSCORE', queue .. ':delayed', '-inf', text(at), 'LIMIT', 0, BATCH)
local ripe = {}
if #due > 0 then
  look(queue)
  move(queue)
end
for i = #due, 1, -1 do
  ripe[due[i]] = true
  local found = redis.call('HGET', queue .. ':waiting', due[i])
  if found then
    redis.call('LPUSH', queue .. NAMES[tonumber(string.sub(found, 1, 1))], string.sub(found, 2))
    redis.call('HDEL', queue .. ':waiting', due[i])
  end
  redis.call('ZREM', queue .. ':delayed', due[i])
end

local waiting, total = lengths(queue)
if total + popped == 0 then return { 0 } end
-- The rest of what a take writes to: it raises here, before anything was popped.
local cancelled = redis.call('ZCARD', queue .. ':cancelled') > 0
local lapsed = redis.call('HLEN', queue .. ':lapses') > 0
sound(queue, { ':processing', ':holds', ':waiting' })
if cancelled then redis.call('SCARD', queue .. ':open') end

-- kernel.lane.order, of which a test sees that it is the same
local CYCLE = { [0] = 2, 1, 2, 1, 2, 2, 0 }
local function order(turn)
  local first, lanes = CYCLE[turn % 7], {}
  if turn % 32 ~= 31 then lanes[1] = 3 end
  lanes[#lanes + 1] = first
  for lane = 2, 0, -1 do
    if lane ~= first then lanes[#lanes + 1] = lane end
  end
  if turn % 32 == 31 then lanes[#lanes + 1] = 3 end
  return lanes
end

-- The bare list is of lane normal and has every second turn of it.
local function choose(turn)
  for _, lane in ipairs(order(turn)) do
    if lane == 1 and waiting[4] > 0 and (waiting[1] == 0 or turn % 2 == 1) then return 4 end
    if waiting[lane] > 0 then return lane end
  end
end

local function splice(message, more)
  local last = #message
  while string.byte(message, last) ~= 125 do last = last - 1 end
  return string.sub(message, 1, last - 1) .. more .. '}'
end

local turn = (tonumber(state[1]) or 0) % 2 ^ 50
local messages, leases = {}, {}

local function hold(id, list, span, message, odd)
  -- The hold itself was set by whoever saw that the id was free.
  messages[#messages + 1] = id
  messages[#messages + 1] = message
  leases[#leases + 1] = at + span
  leases[#leases + 1] = id
  give(id, list, lapsed and redis.call('HGET', queue .. ':lapses', id) or 0, odd, message)
  taken = taken + 1
end

while total > 0 and taken < limit and bytes < most and popped < 1000 do
  local list = choose(turn)
  local message = redis.call('LPOP', queue .. NAMES[list])
  turn, popped, total = turn + 1, popped + 1, total - 1
  waiting[list] = waiting[list] - 1
  local found, odd = decode(message), nil
  local id, more = string.format('%04x', popped) .. string.sub(fresh, 5), ''
  if found then
    if type(found.id) == 'string' and #found.id >= 1 and #found.id <= 64 then
      id = found.id
    else
      more = ',"id":"' .. id .. '"'
    end
  else
    odd = 'unreadable'
  end
  local later = found and number(found.not_before, 0) or 0
  if found and cancelled and redis.call('ZSCORE', queue .. ':cancelled', id) then
    redis.call('ZREM', queue .. ':cancelled', id)
    yield(queue, found.key, id)
    close(queue, { id })
  elseif later * 1000 > at and later <= 1e11 and not ripe[id]
      and redis.call('HSETNX', queue .. ':waiting', id, list .. (more == '' and message or splice(message, more))) == 1 then
    redis.call('ZADD', queue .. ':delayed', later * 1000, id)
  else
    local span = 30
    if found then
      local wanted = number(found.visibility_timeout, 30)
      if wanted >= 1 then span = math.min(wanted, 86400) elseif wanted < 1 then span = 1 end
      if redis.call('HSETNX', queue .. ':holds', id, fence .. ' ' .. list .. ' ' .. owner) == 0 then
        id, odd = string.format('%04x', popped) .. string.sub(fresh, 5), 'twice'
      end
    end
    if odd then
      redis.call('HSET', queue .. ':holds', id, fence .. ' ' .. (list + ODD) .. ' ' .. owner)
    else
      if found.processing_start_time == nil then
        more = more .. ',"processing_start_time":' .. text(seconds)
      end
      if more ~= '' then message = splice(message, more) end
    end
    hold(id, list, math.floor(span * 1000), message, odd or '')
  end
end

if taken > 0 then
  redis.call('HSET', queue .. ':processing', unpack(messages))
  redis.call('ZADD', queue .. ':leases', unpack(leases))
end
redis.call('HSET', queue .. ':state', 'turn', text(turn), 'fence', fence)
result[1] = popped
return result
