#!lua flags=no-writes
-- Returns how many tags are used often enough, and the most used of them, each with its score.
-- KEYS: tag counts. ARGV: minus the least number of uses, how many.
local total = redis.call('ZCOUNT', KEYS[1], '-inf', ARGV[1])
local tags = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
return {total, tags}
