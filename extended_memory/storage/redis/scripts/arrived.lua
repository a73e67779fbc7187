#!lua flags=allow-oom
-- Clears away what a move left behind in a project, if that is still what is noted of it.
-- KEYS: what moves, and what else is to be deleted. ARGV: what is noted, the members.
demand({'hget', 'hdel', 'del'})
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
    for key = 2, #KEYS do redis.call('DEL', KEYS[key]) end
  end
end
