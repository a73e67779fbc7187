#!lua flags=allow-oom
-- Clears an index of another analyzer away, some of it at a time, and begins a new one at the end.
-- KEYS: what is known about the project, timeline, vocabulary, empty postings, and the postings of
-- some terms. ARGV: the analyzer, how many members, members of the timeline, the terms.
-- Returns 1 where the index is of this analyzer or a later one, 0 where more is left to clear away.
check({'hash', 'zset', 'zset', 'hash'}, CHANGING, 'string')
local analyzer, count = ARGV[1], tonumber(ARGV[2])
if tonumber(redis.call('HGET', KEYS[1], 'analyzer') or 0) >= tonumber(analyzer) then return 1 end
redis.call('HDEL', KEYS[1], 'analyzer')
for i = 3, 2 + count do redis.call('ZREM', KEYS[2], ARGV[i]) end
for i = 3 + count, #ARGV do
  redis.call('DEL', KEYS[2 - count + i])
  redis.call('ZREM', KEYS[3], ARGV[i])
  redis.call('HDEL', KEYS[4], ARGV[i])
end
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then return 0 end
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[1], 'analyzer', analyzer)
return 1
