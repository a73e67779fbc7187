#!lua flags=no-writes
-- Returns how many contexts of a project no search finds, when the newest of them was made, or -1,
-- and the analyzer of the index, 0 where it is of none. KEYS: the project's contexts, timeline, what is known about
-- the project. ARGV: the analyzer.
local analyzer = redis.call('HGET', KEYS[3], 'analyzer') or '0'
local total = redis.call('ZCARD', KEYS[1])
if analyzer ~= ARGV[1] then return {total, '-1', analyzer} end
local left = total - redis.call('ZCARD', KEYS[2])
if left <= 0 then return {0, '-1', analyzer} end

-- Whether one of them was made then or later.
local function any_since(time)
  local there = -redis.call('ZCOUNT', KEYS[2], whole(time), '+inf')
  for importance = 1, 10 do
    local base = importance * LEVEL
    there = there + redis.call('ZCOUNT', KEYS[1], whole(base + time), whole(base + LEVEL - 1))
  end
  return there > 0
end

local newest, too_late = 0, LEVEL
while too_late - newest > 1 do
  local middle = math.floor((newest + too_late) / 2)
  if any_since(middle) then newest = middle else too_late = middle end
end
return {left, whole(newest), analyzer}
