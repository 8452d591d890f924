-- Reads a piece of a stream, as far as a relay has carried the outbox.
--
-- KEYS     the position, the stream
-- ARGV     where it begins, as XRANGE has it; how many entries at most
-- Returns  how far the relay has come, '' where it has carried nothing; entries, as XRANGE does
-- Invariant: what lies beyond the position was written by somebody else, and nobody reads it: a
--            cursor that followed it would pass over events that are still to come.

local carried = redis.call('GET', KEYS[1]) or ''
if not string.match(carried, '^%d+$') then return {'', {}} end
return {carried, redis.call('XRANGE', KEYS[2], ARGV[1], carried .. '-0', 'COUNT', ARGV[2])}
