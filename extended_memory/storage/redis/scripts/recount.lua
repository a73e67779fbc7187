#!lua
-- Counts the contexts of some tags anew. KEYS: tag counts, the contexts of each tag. ARGV: the tags.
check({'zset'}, {'type', 'zcard', 'zadd', 'zrem'}, 'zset')
for i, tag in ipairs(ARGV) do
  local uses = redis.call('ZCARD', KEYS[i + 1])
  if uses > 0 then
    redis.call('ZADD', KEYS[1], whole(-uses), tag)
  else
    redis.call('ZREM', KEYS[1], tag)
  end
end
