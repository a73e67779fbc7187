#!lua
-- Changes a context and keeps what it was, or brings it back from the trash, or both.
-- KEYS: those of a context, of its tags, of its new tags, the postings of the terms that it loses
-- and of those that weigh something else; out of the trash, of all that it has.
-- ARGV: the body as it was read, member, its digest, a token of this call, "contexts" or "trash"
-- as the place where it is, the new importance, the rest of the new body or "" to leave it as it
-- is, the new digest, milliseconds that tokens are kept, the analyzer, how many tags it has, how
-- many new ones, how many terms it loses, those tags, the new tags, what each term weighs.
-- Returns {1, body, number of the last revision} where it was done, by this call or by an earlier
-- try of it, {0} where it is gone, {-1} where it has changed.
local member, from, rest, keep, analyzer = ARGV[2], ARGV[5], ARGV[7], ARGV[9], ARGV[10]
local before, after, lost = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
local POSTINGS = FIRST_TAG + before + after
check(types_of(before + after), CHANGING, 'string')
if is_done(ARGV[4]) then
  local body = redis.call('GET', KEYS[BODY])
  return body and {1, body, redis.call('LLEN', KEYS[REVISIONS])} or {0}
end
local stored = redis.call('GET', KEYS[from == 'trash' and TRASHED or BODY])
if not stored then return {0} end
if stored ~= ARGV[1] then return {-1} end
local now = clock()
note_done(ARGV[4], now, keep)
local weights = slice(ARGV, 14 + before + after, #ARGV - 13 - before - after)
if from == 'trash' then
  redis.call('DEL', KEYS[TRASHED])
  redis.call('ZREM', KEYS[TRASH], member)
  index(member, stored, analyzer, POSTINGS, weights)
else
  reindex(member, analyzer, POSTINGS, lost, weights)
  take_out(member, ARGV[3], slice(ARGV, 14, before), FIRST_TAG)
end
local body = stored
if rest ~= '' then
  local created, changed = times_of(stored)
  -- Later than any change before, also where the clock was set back.
  local time = whole(math.max(now, changed + 1))
  body = '{"created_at":' .. whole(created) .. ',"updated_at":' .. time .. rest
  local number = redis.call('LLEN', KEYS[REVISIONS]) + 1
  redis.call('RPUSH', KEYS[REVISIONS],
    '{"number":' .. number .. ',"replaced_at":' .. time .. ',"body":' .. stored .. '}')
end
local tags = slice(ARGV, 14 + before, after)
put_in(member, body, ARGV[6], ARGV[8], tags, FIRST_TAG + before, now, tonumber(keep))
return {1, body, redis.call('LLEN', KEYS[REVISIONS])}
