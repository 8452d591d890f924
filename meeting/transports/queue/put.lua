-- Lays letters into a queue, all or none.
--
-- KEYS[1]  the queue
-- ARGV     of each letter: id, list, key or '', when it is due (ms, 0: now), message
-- Returns  how many were laid
-- Invariant: while a task has a key, no other with the same is laid.

look(KEYS[1])
local at, laid = now(), 0
for i = 1, #ARGV, 5 do
  local list, due = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 3])
  laid = laid + lay(KEYS[1], at, ARGV[i], list, ARGV[i + 2], due, ARGV[i + 4])
end
if laid > 0 then hint(KEYS[1]) end
return laid
