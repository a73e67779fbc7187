#!lua flags=allow-oom
-- Forgets the times of a project that everything has left, if they are those that the caller read.
-- KEYS: what is known about the project, its contexts, its trash. ARGV: when it was made,
-- and when it was last saved to. Returns 1 where they are forgotten, else 0.
check({'hash', 'zset', 'zset'}, {'type', 'exists', 'hmget', 'hdel'})
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return 0 end
local known = redis.call('HMGET', KEYS[1], 'created_at', 'last_saved_at')
if known[1] ~= ARGV[1] or known[2] ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'created_at', 'last_saved_at')
return 1
