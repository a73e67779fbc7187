#!lua flags=allow-oom
-- Notes the new project of an id, if it is noted in the old one.
-- KEYS: the hash of the id, projects. ARGV: the id, the old project, the new one.
check({'hash', 'set'}, {'type', 'hget', 'hset', 'sadd'})
redis.call('SADD', KEYS[2], ARGV[3])
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
