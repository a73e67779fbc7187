#!lua flags=allow-oom
-- Notes the new project of an id, if it is noted in the old one.
-- KEYS: the hash of the id. ARGV: the id, the old project, the new one.
check({'hash'}, {'type', 'hget', 'hset'})
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
