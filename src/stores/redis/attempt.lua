-- Applies one step of an attempt to its counters.
--
-- KEYS  for each subject, the set of its known clients
--       for each subject, the counter of the client as a known one
--       the counters of a client that is not known: of its networks, its address, and its users
-- ARGV  1 'check', 'take', 'charge', or what is given back: 'known' or 'unknown'
--       2 the client  3 how many subjects there are
--       4 interval  5 burst  of a known client; and so on for each counter of one that is not known
--       the last one: the time, or '' for the time of this server, so that the clocks of replicas do not matter
-- Returns {wait, known} to the first two, and {0, 0} to the others. Times are in microseconds, since 1970.
--
-- A counter is the theoretical arrival time (TAT) of GCRA. It expires when it is reached.
local step, client, subjects = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = tonumber(ARGV[#ARGV])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local function is_known()
  for i = 1, subjects do
    local expires = redis.call('ZSCORE', KEYS[i], client)
    if not expires or tonumber(expires) <= now then return false end
  end
  return subjects > 0
end

local gives_back = step == 'known' or step == 'unknown'
local known = step == 'known' or not gives_back and is_known()
local first, last = 2 * subjects + 1, #KEYS
if known then first, last = subjects + 1, 2 * subjects end

local wait, tats = 0, {}
for i = first, last do
  local quota = known and 4 or 6 + 2 * (i - first)
  local interval, burst = tonumber(ARGV[quota]), tonumber(ARGV[quota + 1])
  local max_tat = now + interval * burst
  -- A clock that was put back makes no client wait longer than a full counter does.
  local tat = math.min(math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now), max_tat)
  local latest = max_tat - interval
  if gives_back then
    tats[i] = tat - interval
  elseif tat <= latest then
    tats[i] = tat + interval
  else
    wait = math.max(wait, tat - latest)
  end
end

if gives_back or step == 'charge' or step == 'take' and wait == 0 then
  for i = first, last do
    if tats[i] then
      local left = math.max(math.ceil((tats[i] - now) / 1000), 1)
      redis.call('SET', KEYS[i], string.format('%.0f', tats[i]), 'PX', string.format('%.0f', left))
    end
  end
end
if step ~= 'check' and step ~= 'take' then return {0, 0} end
return {wait, known and 1 or 0}
