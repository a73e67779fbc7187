#!lua
-- Stores a context under the id that was reserved for it.
-- KEYS: body, contexts, tag counts, project, recent, digests, one ZSET for each tag. ARGV:
-- member, importance, time or "" for now, rest of the body, digest, milliseconds of the retry
-- window or "" to store in any case, milliseconds that digests are kept, the tags.
-- Returns {"saved", time}, {"there", body} where this id is stored already, or {"repeated",
-- time, member} with the context that this save repeats.
local types = {'string', 'zset', 'zset', 'hash', 'zset', 'zset'}
for i = 7, #KEYS do types[i] = 'zset' end
check(types, {'type', 'time', 'get', 'set', 'zadd', 'zincrby', 'zrem', 'zscore', 'zrangebylex',
  'zrangebyscore', 'hmget', 'hset'})
local stored = redis.call('GET', KEYS[1])
if stored then return {'there', stored} end

local now = clock()
local base = ARGV[2] * LEVEL
if ARGV[6] ~= '' then
  local newest, of_newest
  local equals = redis.call('ZRANGEBYLEX', KEYS[6], '[' .. ARGV[5] .. ':', '(' .. ARGV[5] .. ';')
  for _, entry in ipairs(equals) do
    local member = string.sub(entry, #ARGV[5] + 2)
    local score = redis.call('ZSCORE', KEYS[2], member)
    local before = score and score - base
    if before and before >= now - ARGV[6] and (not of_newest or member > of_newest) then
      newest, of_newest = before, member
    end
  end
  if newest then return {'repeated', whole(newest), of_newest} end
end

local time = ARGV[3] ~= '' and tonumber(ARGV[3]) or now
local score = whole(base + time)
redis.call('SET', KEYS[1], '{"created_at":' .. whole(time) .. ARGV[4])
redis.call('ZADD', KEYS[2], score, ARGV[1])
for i = 7, #KEYS do
  redis.call('ZADD', KEYS[i], score, ARGV[1])
  redis.call('ZINCRBY', KEYS[3], -1, ARGV[i + 1])
end
local known = redis.call('HMGET', KEYS[4], 'created_at', 'last_saved_at')
if not known[1] or tonumber(known[1]) > time then
  redis.call('HSET', KEYS[4], 'created_at', whole(time))
end
if not known[2] or tonumber(known[2]) < time then
  redis.call('HSET', KEYS[4], 'last_saved_at', whole(time))
end

-- A hundred at a time: an hour of saves is not to be cleared away by one of them.
local old = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', whole(now - ARGV[7]), 'LIMIT', 0, 100)
if #old > 0 then
  redis.call('ZREM', KEYS[5], unpack(old))
  redis.call('ZREM', KEYS[6], unpack(old))
end
if time > now - ARGV[7] then
  local entry = ARGV[5] .. ':' .. ARGV[1]
  redis.call('ZADD', KEYS[5], whole(time), entry)
  redis.call('ZADD', KEYS[6], 0, entry)
end
return {'saved', whole(time)}
