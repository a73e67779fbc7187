#!lua flags=allow-oom
-- Moves a context to the trash, or removes it with all that is left of it, if it is still what
-- the caller read; it may do so in a full memory.
-- ARGV: the body as it was read, member, digest, a token of this call, "contexts" or "trash" as
-- the place where it is, "trash" or "" as the place where it goes, milliseconds that tokens are
-- kept, the tags. Returns 1 where it was moved, by this call or by an earlier try of it, 0 where
-- it is gone, -1 where it has changed.
check(TYPES, CHANGING, 'zset')
local from, to = ARGV[5], ARGV[6]
if is_done(ARGV[4]) then return 1 end
local stored = redis.call('GET', KEYS[from == 'trash' and TRASHED or BODY])
if not stored then return 0 end
if stored ~= ARGV[1] then return -1 end
local now = clock()
note_done(ARGV[4], now, ARGV[7])
if from == 'contexts' then take_out(ARGV[2], ARGV[3], slice(ARGV, 8, #ARGV - 7), 10) end
if to == 'trash' then
  redis.call('SET', KEYS[TRASHED], stored)
  redis.call('ZADD', KEYS[TRASH], whole(now), ARGV[2])
else
  redis.call('DEL', KEYS[TRASHED], KEYS[REVISIONS])
  redis.call('ZREM', KEYS[TRASH], ARGV[2])
end
return 1
