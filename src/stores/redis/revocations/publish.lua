-- Adds entries to the log of revocations, and removes those that are too old.
--
-- KEYS  1 the log, a stream  2 the name of the log
-- ARGV  1 how long the log keeps entries, in milliseconds  2 a name for the log, if it is a new one
--       3 ... kind, digest, fingerprint, before (or empty) and until of each entry
--
-- The name tells a log from one that took its place: the server was flushed, or the stream was deleted.
if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then redis.call('SET', KEYS[2], ARGV[2]) end
local time = redis.call('TIME')
local oldest = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000 - tonumber(ARGV[1])
local min_id = string.format('%.0f', math.max(oldest, 0))
for i = 3, #ARGV, 5 do
  redis.call('XADD', KEYS[1], 'MINID', '~', min_id, '*',
    'k', ARGV[i], 'd', ARGV[i + 1], 'f', ARGV[i + 2], 'b', ARGV[i + 3], 'u', ARGV[i + 4])
end
return (#ARGV - 2) / 5
