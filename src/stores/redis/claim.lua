-- Claims a nonce, unless data of the server may have been lost since the signature was created.
--
-- KEYS  1 the epoch  2 the nonce
-- ARGV  1 created  2 expires  3 skew  4 the caller's time  (milliseconds, since 1970)
--       5 what tells this claim from others  6 eight characters for the key and the skew of the caller
--       7 '1' to begin a new epoch: keys were evicted
-- Returns {status, floor, now}: 1 fresh, 0 claimed before, -1 created at the floor or before, -2 not valid at this
-- time, -4 the clocks differ by more than the skew.
--
-- The epoch is the replication ID of the server, which changes whenever its data may have become older; then
-- the characters of the caller, its skew, and the floor: a lost claim was made for a signature of at most a skew
-- after the loss, so later ones were never claimed.
local time = redis.call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
local created, expires, skew, theirs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if math.abs(now - theirs) > skew then return {-4, 0, now} end

local epoch, info = redis.call('GET', KEYS[1]), redis.call('INFO', 'replication')
local id, caller, skew_before, floor
if epoch then
  id, caller, skew_before, floor = string.match(epoch, '^(%x+) (%x+) (%d+) (%d+)$')
  skew_before, floor = tonumber(skew_before), tonumber(floor)
end
-- A process that only starts (it claims nothing that was created) does not end the epoch of others.
local is_of_others = caller ~= ARGV[6] and created > 0
if not floor or is_of_others or ARGV[7] == '1' or not string.find(info, 'master_replid:' .. id, 1, true) then
  id = string.match(info, 'role:master.-master_replid:(%x+)')
  if not id or #id ~= 40 then
    return redis.error_reply('NOHISTORY this is not a master, or it hides master_replid')
  end
  floor = math.max(floor or 0, math.max(now, theirs) + math.max(skew, skew_before or 0))
  redis.call('SET', KEYS[1], id .. ' ' .. ARGV[6] .. ' ' .. string.format('%.0f %.0f', skew, floor))
end

-- Clients round down to whole seconds. A later `created` would be after the floor of a loss that comes next.
if created > now + skew or now > expires + skew + 999 then return {-2, floor, now} end
if created <= floor then return {-1, floor, now} end
if redis.call('SET', KEYS[2], ARGV[5], 'NX', 'PXAT', string.format('%.0f', expires + skew + 2000)) then
  return {1, floor, now}
end
-- The caller tries again after a broken connection.
if redis.call('GET', KEYS[2]) == ARGV[5] then return {1, floor, now} end
return {0, floor, now}
