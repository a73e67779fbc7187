#!lua flags=allow-oom
-- Removes a context, if it is still what the caller read. It may do so in a full memory.
-- KEYS: body, contexts, tag counts, recent, digests, one ZSET for each tag. ARGV: the body as it
-- was read, member, its entry among the digests, a token of this call, the tags.
-- Returns 1 where it was removed, by this call or by an earlier try of it, 0 where it is gone, -1
-- where it has changed.
local types = {'string', 'zset', 'zset', 'zset', 'zset'}
for i = 6, #KEYS do types[i] = 'zset' end
check(types, {'type', 'time', 'get', 'del', 'zadd', 'zincrby', 'zrem', 'zscore'})
local stored = redis.call('GET', KEYS[1])
if not stored then return redis.call('ZSCORE', KEYS[4], ARGV[4]) and 1 or 0 end
if stored ~= ARGV[1] then return -1 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[3])
redis.call('ZREM', KEYS[5], ARGV[3])
redis.call('ZADD', KEYS[4], whole(clock()), ARGV[4])
for i = 6, #KEYS do
  redis.call('ZREM', KEYS[i], ARGV[2])
  if tonumber(redis.call('ZINCRBY', KEYS[3], 1, ARGV[i - 1])) >= 0 then
    redis.call('ZREM', KEYS[3], ARGV[i - 1])
  end
end
return 1
