-- Lays frames into the inboxes of processes.
--
-- KEYS[1]  the register of all processes, whose name begins the names of their inboxes
-- ARGV[1]  who sends, ARGV[2] how many frames an inbox holds at least before the oldest go
-- ARGV[3..] three a frame: names of processes with spaces between them ('': all others that live),
--          whom there it is for, the frame
-- Returns  of each frame into how many inboxes it came
-- Invariant: an inbox is made by its reader alone, and numbers what comes in without a gap. So a
--            reader that finds a gap knows that something was pushed out before it could read it.

local register, own, longest = KEYS[1], ARGV[1], ARGV[2]
local others

local function living()
  if others then return others end
  local time = redis.call('TIME')
  local at = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  others = {}
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', register, at, '+inf')) do
    if node ~= own then others[#others + 1] = node end
  end
  return others
end

local function named(text)
  local found = {}
  for node in string.gmatch(text, '%S+') do found[#found + 1] = node end
  return found
end

local told = {}
for i = 3, #ARGV, 3 do
  local laid = 0
  for _, node in ipairs(ARGV[i] == '' and living() or named(ARGV[i])) do
    local inbox = register .. ':' .. node
    if redis.call('EXISTS', inbox) == 1 then
      local number = redis.call('INCR', inbox .. ':count')
      redis.call('XADD', inbox, 'NOMKSTREAM', 'MAXLEN', '~', longest, '*',
        'n', number, 'h', ARGV[i + 1], 'f', ARGV[i + 2])
      laid = laid + 1
    end
  end
  told[#told + 1] = laid
end
return told
