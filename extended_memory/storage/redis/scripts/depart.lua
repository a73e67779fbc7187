#!lua
-- Takes a context out of its project, or out of its trash, to move it to another one, if it is
-- still what the caller read. From then on no call sees it until it has arrived there.
-- KEYS: those of a context, of its tags, what moves, its body on the way, the postings of its terms.
-- ARGV: the body as it was read, member, digest, a token of this call, "contexts" or "trash" as the
-- place where it is, the project it moves to, milliseconds that tokens are kept, the analyzer, the
-- tags. Returns {1, what is noted of the move} where it left, by this call or by an earlier try of
-- it, {0} where it is gone, {-1} where it has changed.
local member, from, analyzer = ARGV[2], ARGV[5], ARGV[8]
local tags = slice(ARGV, 9, #ARGV - 8)
local MOVES = FIRST_TAG + #tags
local ON_THE_WAY, POSTINGS = MOVES + 1, MOVES + 2
check(types_of(#tags, {'hash', 'string'}), CHANGING, 'string')
demand({'lrange', 'sadd'})  -- on its way nothing may be refused
if is_done(ARGV[4]) then
  local noted = redis.call('HGET', KEYS[MOVES], member)
  return noted and {1, noted} or {0}
end
local stored = redis.call('GET', KEYS[from == 'trash' and TRASHED or BODY])
if not stored then return {0} end
if stored ~= ARGV[1] then return {-1} end
note_done(ARGV[4], clock(), ARGV[7])
local since = ''
if from == 'trash' then
  since = whole(redis.call('ZSCORE', KEYS[TRASH], member) or 0)
  redis.call('DEL', KEYS[TRASHED])
  redis.call('ZREM', KEYS[TRASH], member)
else
  take_out(member, ARGV[3], tags, FIRST_TAG)
  unindex(member, analyzer, POSTINGS)
end
local noted = since .. ':' .. ARGV[6]
redis.call('SET', KEYS[ON_THE_WAY], stored)
redis.call('HSET', KEYS[MOVES], member, noted)
return {1, noted}
