-- Takes a process out that ends, so that nobody sends to it any more.
--
-- KEYS     the register, the inbox, its count
-- ARGV[1]  the process
-- Returns  how many keys of its inbox are gone

redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('DEL', KEYS[2], KEYS[3])
