-- Makes a client a known one of all subjects.
--
-- KEYS  for each subject, the set of its known clients
-- ARGV  1 the client  2 for how long it is known  3 how many clients one subject knows at most
--       4 the time, or '' for the time of this server
-- Times are in microseconds, since 1970.
local now, lifetime, capacity = tonumber(ARGV[4]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
for _, subject in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', subject, '-inf', string.format('%.0f', now))
  redis.call('ZADD', subject, string.format('%.0f', now + lifetime), ARGV[1])
  -- The client that authenticated least recently makes room.
  redis.call('ZREMRANGEBYRANK', subject, 0, -1 - capacity)
  redis.call('PEXPIRE', subject, string.format('%.0f', lifetime / 1000))
end
