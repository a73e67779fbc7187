-- Stores a context as it was in another store or another project: with its times, with what it was
-- before, and in the trash where it was there.
-- KEYS: those of a context, of its tags, what moves, its body on the way, the postings of its terms.
-- ARGV: member, importance, body, digest, milliseconds that digests are kept, a token of this call,
-- the analyzer, since when it is in the trash or "", the member by which it moves here or "", how
-- many tags, how many revisions, the tags, the revisions, what each term weighs. One in the trash
-- comes without tags and terms.
-- Returns {"stored"}, also where an earlier try or call did it, or {"taken"} where the id is not
-- free.
local function bring()
  local member, body, keep, token, analyzer = ARGV[1], ARGV[3], tonumber(ARGV[5]), ARGV[6], ARGV[7]
  local forgotten, moving, count, past = ARGV[8], ARGV[9], tonumber(ARGV[10]), tonumber(ARGV[11])
  local MOVES = FIRST_TAG + count
  local ON_THE_WAY, POSTINGS = MOVES + 1, MOVES + 2
  check(types_of(count, {'hash', 'string'}), CHANGING, 'string')
  if is_done(token) then return {'stored'} end
  if moving ~= '' and redis.call('HGET', KEYS[MOVES], moving) == '' then return {'stored'} end
  local there = redis.call('GET', KEYS[BODY]) or redis.call('GET', KEYS[TRASHED])
  if there then return {there == body and 'stored' or 'taken'} end

  local now = clock()
  note_done(token, now, keep)
  -- It may have left this project and come back before all was cleared away that it left here.
  redis.call('DEL', KEYS[REVISIONS], KEYS[ON_THE_WAY])
  if moving ~= '' then redis.call('HSET', KEYS[MOVES], moving, '') end
  for i = 12 + count, 11 + count + past do redis.call('RPUSH', KEYS[REVISIONS], ARGV[i]) end
  if forgotten ~= '' then
    redis.call('SET', KEYS[TRASHED], body)
    redis.call('ZADD', KEYS[TRASH], forgotten, member)
    widen(KEYS[PROJECT], times_of(body))
  else
    index(member, body, analyzer, POSTINGS, slice(ARGV, 12 + count + past, #ARGV - 11 - count - past))
    put_in(member, body, ARGV[2], ARGV[4], slice(ARGV, 12, count), FIRST_TAG, now, keep)
  end
  return {'stored'}
end
