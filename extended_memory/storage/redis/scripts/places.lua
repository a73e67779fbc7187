#!lua flags=no-writes
-- Returns of each of some contexts its score among the project's contexts, and of the timeline it
-- and its neighbours, each with its time; or an empty list where it is not there.
-- KEYS: the project's contexts, timeline. ARGV: the members.
local found = {}
for i, member in ipairs(ARGV) do
  local score, rank = redis.call('ZSCORE', KEYS[1], member), redis.call('ZRANK', KEYS[2], member)
  found[i] = {}
  if score and rank then
    local near = redis.call('ZRANGE', KEYS[2], math.max(0, rank - 1), rank + 1, 'WITHSCORES')
    found[i] = {score, near}
  end
end
return found
