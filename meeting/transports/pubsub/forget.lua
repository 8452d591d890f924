-- Throws the position and the streams away, so that the outbox is carried anew.
--
-- KEYS[1]      the position
-- KEYS[2..]    the streams
-- ARGV[1]      what the position must be, else nothing is done
--
-- Returns how many keys are gone.

if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then
  return 0
end
return redis.call('DEL', unpack(KEYS))
