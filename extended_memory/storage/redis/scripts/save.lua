#!lua
-- Stores a context, under the id that was reserved for it, or under the next one, if that is the
-- one that the caller guessed: then one script does what takes two on a cluster.
-- KEYS: those of a context, of its tags, for a guessed id sequence, projects, hash of ids and
-- meta, and the postings of its terms.
-- ARGV: member, importance, time or "" for now, rest of the body, digest, milliseconds of the
-- retry window or "" to store in any case, milliseconds that digests are kept, a token of this
-- call, the analyzer, the first and the last time at which its terms hold, the guessed id or "",
-- project, layout, release, how many tags, the tags, what each term weighs.
-- Returns {"saved", time} where it was stored, by this call or by an earlier try of it;
-- {"repeated", time, member} of the context that this save repeats; {"taken", body} where the id
-- is not free; {"other", id} where another one than the guessed id comes next; {"day", time}
-- where it is another day than the terms say.
local member, importance, digest, keep = ARGV[1], ARGV[2], ARGV[5], tonumber(ARGV[7])
local token, analyzer, guess, count = ARGV[8], ARGV[9], ARGV[12], tonumber(ARGV[16])
local guessed = guess ~= ''
local ids = guessed and {'string', 'set', 'hash', 'hash'} or {}
local SEQUENCE = FIRST_TAG + count
local POSTINGS = SEQUENCE + #ids
check(types_of(count, ids), CHANGING, 'string')
if guessed then demand({'sadd', 'hsetnx'}) end

local stored = redis.call('GET', KEYS[BODY])
if stored and is_done(token) then return {'saved', whole((times_of(stored)))} end
if stored and not guessed then return {'taken', stored} end

local now = clock()
if ARGV[6] ~= '' then
  local newest, of_newest
  local equals = redis.call('ZRANGEBYLEX', KEYS[DIGESTS], '[' .. digest .. ':', '(' .. digest .. ';')
  for _, entry in ipairs(equals) do
    local other = string.sub(entry, #digest + 2)
    local score = redis.call('ZSCORE', KEYS[CONTEXTS], other)
    local before = score and score - importance * LEVEL
    if before and before >= now - ARGV[6] and (not of_newest or other > of_newest) then
      newest, of_newest = before, other
    end
  end
  if newest then return {'repeated', whole(newest), of_newest} end
end

local time = ARGV[3] ~= '' and tonumber(ARGV[3]) or now
if time < tonumber(ARGV[10]) or time > tonumber(ARGV[11]) then return {'day', whole(time)} end
if guessed then
  local project, layout, release = unpack(ARGV, 13, 15)
  local next = tonumber(redis.call('GET', KEYS[SEQUENCE]) or '0') + 1
  if stored or next ~= tonumber(guess) then return {'other', whole(next)} end
  if not give_id(SEQUENCE, guess, project, layout, release) then return {'other', whole(next)} end
end

local body = '{"created_at":' .. whole(time) .. ',"updated_at":null' .. ARGV[4]
note_done(token, now, keep)
index(member, body, analyzer, POSTINGS, slice(ARGV, 17 + count, #ARGV - 16 - count))
put_in(member, body, importance, digest, slice(ARGV, 17, count), FIRST_TAG, now, keep)
return {'saved', whole(time)}
