#!lua flags=no-writes
-- Finds the newest contexts of the given ZSETs from an importance on, and counts them.
-- KEYS: the project's ZSET or those of some tags. ARGV: minimum importance, how many, up to how
-- many to count one by one, the first and the last time to look at, or "", and where to go on:
-- time and member of the last one, or "" twice.
-- Returns the count, 1 if it is exact, and of each context found its member and time.
--
-- One importance in one ZSET is one range, newest last. The ranges are merged as far as needed,
-- and read in small pieces, so the cost does not depend on how many contexts match.
local minimum, wanted, countable = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local since, last_time = times_between(ARGV[4], ARGV[5])
local after_time, after_member = tonumber(ARGV[6]), ARGV[7]
local PIECE = 8

local function read(range)
  range.values = redis.call('ZREVRANGEBYSCORE', range.key, range.high, range.low,
    'WITHSCORES', 'LIMIT', range.read, PIECE)
  range.read, range.at = range.read + PIECE, 1
end

local function step(range)
  range.at = range.at + 2
  if range.at > #range.values and #range.values == 2 * PIECE then read(range) end
end

local function head(range)
  local member = range.values[range.at]
  if not member then return nil end
  return range.values[range.at + 1] - range.base, member
end

local scores = scores_of(minimum, ARGV[4], ARGV[5])

local uses, largest, filled = 0, 0, {}
for _, key in ipairs(KEYS) do
  local here = 0
  for _, score in ipairs(scores) do
    here = here + redis.call('ZCOUNT', key, score[1], score[2])
  end
  if here > 0 then filled[#filled + 1] = key end
  uses, largest = uses + here, math.max(largest, here)
end
local count, exact = largest, 1
if #filled > 1 and uses > countable then
  exact = 0
elseif #filled > 1 then
  local seen = {}
  count = 0
  for _, key in ipairs(filled) do
    for _, score in ipairs(scores) do
      for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, score[1], score[2])) do
        if not seen[member] then
          seen[member], count = true, count + 1
        end
      end
    end
  end
end

local ranges = {}
for _, key in ipairs(filled) do
  for importance = minimum, 10 do
    local base = importance * LEVEL
    local high = whole(base + (after_time or last_time))
    local range = {key = key, base = base, low = whole(base + since), high = high, read = 0}
    read(range)
    if after_time then
      local time, member = head(range)
      while time == after_time and member >= after_member do
        step(range)
        time, member = head(range)
      end
    end
    if range.values[range.at] then ranges[#ranges + 1] = range end
  end
end

local found, last = {count, exact}, nil
while #found < 2 + 2 * wanted do
  local best, newest, name
  for _, range in ipairs(ranges) do
    local time, member = head(range)
    if time and (not newest or time > newest or (time == newest and member > name)) then
      best, newest, name = range, time, member
    end
  end
  if not best then break end
  step(best)
  if name ~= last then  -- a context with several of the tags comes once
    found[#found + 1] = name
    found[#found + 1] = whole(newest)
    last = name
  end
end
return found
