#!lua
-- Stores a context, under the id that was reserved for it, or under the next one, if that is the
-- one that the caller guessed: then one script does what takes two on a cluster.
-- KEYS: those of a context, of its tags, for a guessed id sequence, projects, hash of ids and
-- meta, and the postings of its terms.
-- ARGV: member, importance, rest of the body, digest, milliseconds of the retry window,
-- milliseconds that digests are kept, a token of this call, the analyzer, the first and the last
-- time at which its terms hold, the guessed id or "", project, layout, release, how many tags, the
-- tags, what each term weighs.
-- Returns {"saved", time} where it was stored, by this call or by an earlier try of it;
-- {"repeated", time, member} of the context that this save repeats; {"taken"} where the id is not
-- free; {"other", id} where another one than the guessed id comes next; {"day", time} where it is
-- another day than the terms say.
local member, importance, digest, keep = ARGV[1], ARGV[2], ARGV[4], tonumber(ARGV[6])
local token, analyzer, guess, count = ARGV[7], ARGV[8], ARGV[11], tonumber(ARGV[15])
local guessed = guess ~= ''
local ids = guessed and {'string', 'set', 'hash', 'hash'} or {}
local SEQUENCE = FIRST_TAG + count
local POSTINGS = SEQUENCE + #ids
check(types_of(count, ids), CHANGING, 'string')
if guessed then demand({'sadd', 'hsetnx'}) end

local stored = redis.call('GET', KEYS[BODY])
if stored and is_done(token) then return {'saved', whole((times_of(stored)))} end
if stored and not guessed then return {'taken'} end

local time = clock()
local newest, of_newest
local equals = redis.call('ZRANGEBYLEX', KEYS[DIGESTS], '[' .. digest .. ':', '(' .. digest .. ';')
for _, entry in ipairs(equals) do
  local other = string.sub(entry, #digest + 2)
  local score = redis.call('ZSCORE', KEYS[CONTEXTS], other)
  local before = score and score - importance * LEVEL
  if before and before >= time - ARGV[5] and (not of_newest or other > of_newest) then
    newest, of_newest = before, other
  end
end
if newest then return {'repeated', whole(newest), of_newest} end

if time < tonumber(ARGV[9]) or time > tonumber(ARGV[10]) then return {'day', whole(time)} end
if guessed then
  local project, layout, release = unpack(ARGV, 12, 14)
  local next = tonumber(redis.call('GET', KEYS[SEQUENCE]) or '0') + 1
  if stored or next ~= tonumber(guess) then return {'other', whole(next)} end
  if not give_id(SEQUENCE, guess, project, layout, release) then return {'other', whole(next)} end
end

local body = '{"created_at":' .. whole(time) .. ',"updated_at":null' .. ARGV[3]
note_done(token, time, keep)
index(member, body, analyzer, POSTINGS, slice(ARGV, 16 + count, #ARGV - 15 - count))
put_in(member, body, importance, digest, slice(ARGV, 16, count), FIRST_TAG, time, keep)
return {'saved', whole(time)}
