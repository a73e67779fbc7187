-- Stands before every script. A ZSET of contexts is sorted by importance * LEVEL + time.
local LEVEL = 8796093022208  -- 2^43 milliseconds after 1970 is the year 2248
local NEWEST = 8772796799999  -- domain.NEWEST_TIME: the last millisecond before that year

-- The keys of a script that changes a context; those of tags follow, one ZSET for each, and then
-- those of terms, one STRING for each.
local BODY, CONTEXTS, TAGS, PROJECT, RECENT, DIGESTS, TRASH, TRASHED, REVISIONS, TIMELINE,
  VOCABULARY, EMPTY = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
local TYPES = {'string', 'zset', 'zset', 'hash', 'zset', 'zset', 'zset', 'string', 'list', 'zset',
  'zset', 'hash'}
local FIRST_TAG = #TYPES + 1

-- Lua would round a large number when it turns it into text by itself.
local function whole(number)
  return string.format('%.0f', number)
end

-- Returns the first and the last time to look at, each of which may be "" or lie out of bounds: a
-- score beyond them would be one of another importance.
local function times_between(since, last)
  return math.min(math.max(tonumber(since) or 0, 0), LEVEL),
    math.min(math.max(tonumber(last) or LEVEL - 1, -1), LEVEL - 1)
end

-- Returns the ranges of scores of an importance and more, and of times, the last included, or of any
-- time where one is "": one range, or one for each importance where times are limited.
local function scores_of(minimum, since, last)
  if since == '' and last == '' then return {{whole(minimum * LEVEL), '+inf'}} end
  local first, final = times_between(since, last)
  local ranges = {}
  for importance = minimum, 10 do
    local base = importance * LEVEL
    ranges[#ranges + 1] = {whole(base + first), whole(base + final)}
  end
  return ranges
end

-- A script that fails half way is not rolled back: what could fail is looked at first, the types
-- of the keys and the commands that the user may lack.
local function demand(commands)
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(command, KEYS[1]) then error({err = 'NOPERM ' .. command}) end
  end
end

local function check(types, commands, others)
  demand(commands)
  for i, key in ipairs(KEYS) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= (types[i] or others) then error({err = 'EMTYPE ' .. key}) end
  end
end

-- Returns the types of the keys of a context with so many tags, of whatever kinds follow.
local function types_of(tags, following)
  local types = {unpack(TYPES)}
  for _ = 1, tags do types[#types + 1] = 'zset' end
  for _, kind in ipairs(following or {}) do types[#types + 1] = kind end
  return types
end

-- What a script needs that changes a context.
local CHANGING = {'type', 'exists', 'time', 'get', 'set', 'del', 'append', 'strlen', 'getrange',
  'setrange', 'zadd', 'zincrby', 'zrem', 'zscore', 'zrangebylex', 'zrangebyscore', 'hget', 'hmget',
  'hset', 'hincrby', 'hdel', 'llen', 'rpush'}

local function slice(values, from, count)
  local found = {}
  for i = from, from + count - 1 do found[#found + 1] = values[i] end
  return found
end

-- A later time would sort by another importance: such a clock is wrong, and nothing is changed.
local function clock()
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  if now > NEWEST then error({err = 'EMCLOCK ' .. whole(now)}) end
  return now
end

-- Returns when a context was made, and when it last became what it is.
local function times_of(body)
  local created, updated = string.match(body, '^{"created_at":(%d+),"updated_at":(%w+)')
  return tonumber(created), tonumber(updated) or tonumber(created)
end

-- Whether an earlier try of this call has done its work, and its reply was lost.
local function is_done(token)
  return redis.call('ZSCORE', KEYS[RECENT], token)
end

-- A hundred at a time: an hour of calls is not to be cleared away by one of them.
local function note_done(token, now, keep)
  local old = redis.call('ZRANGEBYSCORE', KEYS[RECENT], '-inf', whole(now - keep), 'LIMIT', 0, 100)
  if #old > 0 then
    redis.call('ZREM', KEYS[RECENT], unpack(old))
    redis.call('ZREM', KEYS[DIGESTS], unpack(old))
  end
  if token ~= '' then redis.call('ZADD', KEYS[RECENT], whole(now), token) end
end

-- Gives the next id to a context of a project, or says that it is not free: a counter that went
-- back, after a failover that lost writes, must not give an id twice. The keys from `at` on are
-- sequence, projects, the hash of ids in which this one belongs, and meta.
local function give_id(at, id, project, layout, release)
  if redis.call('HSETNX', KEYS[at + 2], id, project) == 0 then return false end
  redis.call('SET', KEYS[at], id)
  redis.call('SADD', KEYS[at + 1], project)
  if redis.call('HSETNX', KEYS[at + 3], 'layout', layout) == 1 then
    redis.call('HSET', KEYS[at + 3], 'release', release)
  end
  return true
end

-- Lets a project be as old as its oldest context, and as new as the last change in it.
local function widen(key, created, changed)
  local known = redis.call('HMGET', key, 'created_at', 'last_saved_at')
  if not known[1] or tonumber(known[1]) > created then
    redis.call('HSET', key, 'created_at', whole(created))
  end
  if not known[2] or tonumber(known[2]) < changed then
    redis.call('HSET', key, 'last_saved_at', whole(changed))
  end
end

-- Puts a context into every index but that of a search. `tags` are the names of the ZSETs from `at` on.
local function put_in(member, body, importance, digest, tags, at, now, keep)
  local created, changed = times_of(body)
  local score = whole(importance * LEVEL + created)
  redis.call('SET', KEYS[BODY], body)
  redis.call('ZADD', KEYS[CONTEXTS], score, member)
  for i, tag in ipairs(tags) do
    redis.call('ZADD', KEYS[at + i - 1], score, member)
    redis.call('ZINCRBY', KEYS[TAGS], -1, tag)
  end
  widen(KEYS[PROJECT], created, changed)
  if created > now - keep then
    local entry = digest .. ':' .. member
    redis.call('ZADD', KEYS[RECENT], whole(created), entry)
    redis.call('ZADD', KEYS[DIGESTS], 0, entry)
  end
end

-- Takes a context out of every index but that of a search.
local function take_out(member, digest, tags, at)
  redis.call('DEL', KEYS[BODY])
  redis.call('ZREM', KEYS[CONTEXTS], member)
  redis.call('ZREM', KEYS[RECENT], digest .. ':' .. member)
  redis.call('ZREM', KEYS[DIGESTS], digest .. ':' .. member)
  for i, tag in ipairs(tags) do
    redis.call('ZREM', KEYS[at + i - 1], member)
    if tonumber(redis.call('ZINCRBY', KEYS[TAGS], 1, tag)) >= 0 then
      redis.call('ZREM', KEYS[TAGS], tag)
    end
  end
end
