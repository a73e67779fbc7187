#!lua
-- Stores a context, under the id that was reserved for it, or under the next one, if that is the
-- one that the caller guessed: then one script does what takes two on a cluster.
-- KEYS besides those of a context, for a guessed id alone: sequence, projects, hash of ids, meta.
-- ARGV: member, importance, time or "" for now, rest of the body, digest, milliseconds of the
-- retry window or "" to store in any case, milliseconds that digests are kept, a token of this
-- call, how many tags, the tags; for a guessed id: the id, project, layout, release.
-- Returns {"saved", time} where it was stored, by this call or by an earlier try of it;
-- {"repeated", time, member} of the context that this save repeats; {"taken", body} where the id
-- is not free; {"other", id} where another one than the guessed id comes next.
local member, importance, digest, keep = ARGV[1], ARGV[2], ARGV[5], tonumber(ARGV[7])
local token, count = ARGV[8], tonumber(ARGV[9])
local guessed = #ARGV > 9 + count
local SEQUENCE = #TYPES + count + 1
local types = {}
for i = 1, #KEYS do types[i] = TYPES[i] or 'zset' end
if guessed then
  for i, kind in ipairs({'string', 'set', 'hash', 'hash'}) do types[SEQUENCE + i - 1] = kind end
end
check(types, CHANGING)
if guessed then check(types, {'sadd', 'hsetnx'}) end

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

if guessed then
  local id, project, layout, release = unpack(ARGV, 10 + count)
  local next = tonumber(redis.call('GET', KEYS[SEQUENCE]) or '0') + 1
  if stored or next ~= tonumber(id) then return {'other', whole(next)} end
  if not give_id(SEQUENCE, id, project, layout, release) then return {'other', whole(next)} end
end

local time = ARGV[3] ~= '' and tonumber(ARGV[3]) or now
local body = '{"created_at":' .. whole(time) .. ',"updated_at":null' .. ARGV[4]
note_done(token, now, keep)
put_in(member, body, importance, digest, slice(ARGV, 10, count), 10, now, keep)
return {'saved', whole(time)}
