#!lua flags=no-writes
-- Returns the contexts in any of the given ZSETs that have an importance and a time, or nothing
-- where they are too many. KEYS: the project's ZSET or those of some tags. ARGV: minimum
-- importance, the first and the last time or "", how many are too many.
local scores, uses, found = scores_of(tonumber(ARGV[1]), ARGV[2], ARGV[3]), 0, {}
for _, key in ipairs(KEYS) do
  for _, score in ipairs(scores) do uses = uses + redis.call('ZCOUNT', key, score[1], score[2]) end
end
if uses >= tonumber(ARGV[4]) then return false end
for _, key in ipairs(KEYS) do
  for _, score in ipairs(scores) do
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, score[1], score[2])) do
      found[#found + 1] = member
    end
  end
end
return found
