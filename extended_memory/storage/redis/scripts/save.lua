#!lua
-- Stores a context under the id that was reserved for it.
-- ARGV: member, importance, time or "" for now, rest of the body, digest, milliseconds of the
-- retry window or "" to store in any case, milliseconds that digests are kept, the tags.
-- Returns {"saved", time}, {"there", body} where this id is stored already, or {"repeated",
-- time, member} of the context that this save repeats.
check_types(TYPES, 'zset')
local member, importance, digest, keep = ARGV[1], ARGV[2], ARGV[5], tonumber(ARGV[7])
local stored = redis.call('GET', KEYS[BODY])
if stored then return {'there', stored} end

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
local body = '{"created_at":' .. whole(time) .. ',"updated_at":null' .. ARGV[4]
note_done('', now, keep)
put_in(member, body, importance, digest, slice(ARGV, 8, #ARGV - 7), 10, now, keep)
return {'saved', whole(time)}
