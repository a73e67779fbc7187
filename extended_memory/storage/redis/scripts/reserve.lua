#!lua
-- Gives a new id to a context of a project, or finds the one that an import gave it before.
-- KEYS: sequence, projects, one hash of ids, meta, origins. ARGV: number of that hash, ids a
-- hash, project, origin or "", layout, release. Returns {"new", id}; {"known", id} where the
-- origin was stored, or {"pending", id} where it perhaps was not; or {"elsewhere", number} where
-- the next id belongs into another hash, which has to be named as a key; nothing has changed then.
check({'string', 'set', 'hash', 'hash', 'hash'},
  {'type', 'get', 'set', 'sadd', 'hget', 'hset', 'hsetnx'})
if ARGV[4] ~= '' then
  local known = redis.call('HGET', KEYS[5], ARGV[4])
  if known then
    local pending = string.match(known, '^pending:(%d+)$')
    return pending and {'pending', pending} or {'known', known}
  end
end
local id = tonumber(redis.call('GET', KEYS[1]) or '0')
repeat
  id = id + 1
  local hash = math.floor(id / tonumber(ARGV[2]))
  if hash ~= tonumber(ARGV[1]) then return {'elsewhere', whole(hash)} end
until give_id(1, whole(id), ARGV[3], ARGV[5], ARGV[6])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[5], ARGV[4], 'pending:' .. whole(id)) end
return {'new', whole(id)}
