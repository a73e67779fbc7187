#!lua
-- Makes the lists of a project agree with one context as it is, if it is still what the caller read.
-- KEYS: those of a context, the tags it carries and others that list it. ARGV: the body as it was
-- read or "" where there is none, member, its score, its times, how many tags it carries, all tags.
-- Returns 1 where that was so, 0 where it has changed.
local body, member, score, count = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[6])
check(types_of(#ARGV - 6), CHANGING, 'zset')
demand({'zcard'})
if (redis.call('GET', KEYS[BODY]) or '') ~= body then return 0 end
if body == '' then
  redis.call('ZREM', KEYS[CONTEXTS], member)
  redis.call('ZREM', KEYS[TIMELINE], member)
else
  redis.call('ZADD', KEYS[CONTEXTS], score, member)
  local known = redis.call('HMGET', KEYS[PROJECT], 'created_at', 'last_saved_at')
  if not known[1] or tonumber(known[1]) > tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[PROJECT], 'created_at', ARGV[4])
  end
  if not known[2] or tonumber(known[2]) < tonumber(ARGV[5]) then
    redis.call('HSET', KEYS[PROJECT], 'last_saved_at', ARGV[5])
  end
end
for i = 1, #ARGV - 6 do
  local key, tag = KEYS[FIRST_TAG + i - 1], ARGV[6 + i]
  if i <= count then redis.call('ZADD', key, score, member) else redis.call('ZREM', key, member) end
  local uses = redis.call('ZCARD', key)
  if uses > 0 then
    redis.call('ZADD', KEYS[TAGS], whole(-uses), tag)
  else
    redis.call('ZREM', KEYS[TAGS], tag)
  end
end
return 1
