#!lua flags=allow-oom
-- Moves a context to the trash, or removes it with all that is left of it, if it is still what
-- the caller read; it may do so in a full memory.
-- KEYS: those of a context, of its tags, the postings of its terms.
-- ARGV: the body as it was read, member, digest, a token of this call, "contexts" or "trash" as
-- the place where it is, "trash" or "" as the place where it goes, milliseconds that tokens are
-- kept, the analyzer, the tags. Returns 1 where it was moved, by this call or by an earlier try of
-- it, 0 where it is gone, -1 where it has changed.
local member, from, to, analyzer = ARGV[2], ARGV[5], ARGV[6], ARGV[8]
local tags = slice(ARGV, 9, #ARGV - 8)
check(types_of(#tags), CHANGING, 'string')
if is_done(ARGV[4]) then return 1 end
local stored = redis.call('GET', KEYS[from == 'trash' and TRASHED or BODY])
if not stored then return 0 end
if stored ~= ARGV[1] then return -1 end
local now = clock()
note_done(ARGV[4], now, ARGV[7])
if from == 'contexts' then
  take_out(member, ARGV[3], tags, FIRST_TAG)
  unindex(member, analyzer, FIRST_TAG + #tags)
end
if to == 'trash' then
  redis.call('SET', KEYS[TRASHED], stored)
  redis.call('ZADD', KEYS[TRASH], whole(now), member)
else
  redis.call('DEL', KEYS[TRASHED], KEYS[REVISIONS])
  redis.call('ZREM', KEYS[TRASH], member)
end
return 1
