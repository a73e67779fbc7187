-- How a context enters and leaves the index of a search: the timeline of the contexts that a search
-- finds, and for each term its postings (see the layout). The caller analyses the text: it sends
-- the keys of the postings, and what each term weighs.
local POSTING, NOTHING = 6, string.rep('\0', 6)  -- bytes, and a posting that is empty
local FEW = 100 * POSTING  -- up to so many are written anew rather than left with an empty one

local function term_of(key)
  return string.match(key, '}:(.*)')
end

local function id_of(member)
  return tonumber(string.sub(member, 2))
end

-- Returns where in a string of postings the one of a context begins, or nil.
local function find(postings, id)
  local wanted, at = struct.pack('<I4', id), 0
  repeat
    at = string.find(postings, wanted, at + 1, true)
  until not at or at % POSTING == 1
  return at
end

-- Returns where in a key of many postings the one of a context begins, or nil. They come by rising
-- id, but for those of contexts that were restored or changed, and what was taken out is empty: so
-- a few short reads find nearly all, and the rest is looked for in the whole. A term is spread over
-- the ids about evenly: every other read is where it should be then, the others in the middle.
local EMPTIES = 32
local function id_at(key, place)
  local at = place * POSTING
  return (struct.unpack('<I4', redis.call('GETRANGE', key, at, at + 3)))
end

local function find_in(key, size, id)
  local low, high, empties, reads = 0, size / POSTING - 1, 0, 0
  local low_id, high_id = 0, id_at(key, high)
  while low <= high and empties <= EMPTIES do
    local share = 0.5
    if reads % 2 == 0 and id <= high_id and low_id < high_id then
      share = (id - low_id) / (high_id - low_id)
    end
    local middle = low + math.floor(share * (high - low))
    local at, found = middle, 0
    while at <= high and empties <= EMPTIES do
      found, reads = id_at(key, at), reads + 1
      if found ~= 0 then break end
      at, empties = at + 1, empties + 1
    end
    if found == id then return at * POSTING + 1 end
    if found ~= 0 and found < id then
      low, low_id = at + 1, found
    else
      high, high_id = middle - 1, found ~= 0 and found or high_id
    end
  end
  return find(redis.call('GET', key), id)
end

local function add(key, id, weight)
  if redis.call('APPEND', key, struct.pack('<I4I2', id, weight)) == POSTING then
    redis.call('ZADD', KEYS[VOCABULARY], 0, term_of(key))
  end
end

local function replace(key, id, weight)
  local size = redis.call('STRLEN', key)
  local at = size > FEW and find_in(key, size, id) or find(redis.call('GET', key) or '', id)
  if at then
    redis.call('SETRANGE', key, at - 1, struct.pack('<I4I2', id, weight))
  else
    add(key, id, weight)
  end
end

-- Throwing empty postings out of a hundred thousand takes milliseconds: one term for each script,
-- the others have their turn when a context leaves them again.
local is_tidied = false

local function remove(key, id)
  local size, postings = redis.call('STRLEN', key)
  if size > FEW then
    local at = find_in(key, size, id)
    if not at then return end
    redis.call('SETRANGE', key, at - 1, NOTHING)
    local empty = POSTING * redis.call('HINCRBY', KEYS[EMPTY], term_of(key), 1)
    if empty < size and (2 * empty < size or is_tidied) then return end
    is_tidied = true
    redis.call('HDEL', KEYS[EMPTY], term_of(key))
    postings = string.gsub(redis.call('GET', key), '......', {[NOTHING] = ''})
  else
    postings = redis.call('GET', key) or ''
    local at = find(postings, id)
    if not at then return end
    postings = string.sub(postings, 1, at - 1) .. string.sub(postings, at + POSTING)
  end
  if postings == '' then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[VOCABULARY], term_of(key))
  else
    redis.call('SET', key, postings)
  end
end

-- Whether the index is of this analyzer; a project that holds nothing yet begins one.
local function is_of(analyzer)
  local found = redis.call('HGET', KEYS[PROJECT], 'analyzer')
  if not found and redis.call('EXISTS', KEYS[CONTEXTS], KEYS[TIMELINE], KEYS[VOCABULARY]) == 0 then
    redis.call('HSET', KEYS[PROJECT], 'analyzer', analyzer)
    return true
  end
  return found == analyzer
end

-- Whether a context has postings, which its terms tell. Those of another analyzer it does not: then
-- the whole index is given up, to be made anew.
local function has_postings(member, analyzer)
  if not redis.call('ZSCORE', KEYS[TIMELINE], member) then return false end
  if is_of(analyzer) then return true end
  redis.call('HDEL', KEYS[PROJECT], 'analyzer')
  redis.call('ZREM', KEYS[TIMELINE], member)
  return false
end

-- Lets a search find a context, to be called before it is put in elsewhere. The keys from `at` on
-- are the postings of its terms, `weights` what each term weighs.
local function index(member, body, analyzer, at, weights)
  if not is_of(analyzer) then return end
  redis.call('ZADD', KEYS[TIMELINE], whole((times_of(body))), member)
  for i, weight in ipairs(weights) do add(KEYS[at + i - 1], id_of(member), weight) end
end

-- Lets no search find a context any more. The keys from `at` on are the postings of its terms.
local function unindex(member, analyzer, at)
  if not has_postings(member, analyzer) then return end
  redis.call('ZREM', KEYS[TIMELINE], member)
  for i = at, #KEYS do remove(KEYS[i], id_of(member)) end
end

-- Lets a search find a context by its new text, if it found it by the old one. The keys from `at`
-- on are the postings of so many terms that it lost, and of those that now weigh something else.
local function reindex(member, analyzer, at, lost, weights)
  if not has_postings(member, analyzer) then return end
  for i = at, at + lost - 1 do remove(KEYS[i], id_of(member)) end
  for i, weight in ipairs(weights) do replace(KEYS[at + lost + i - 1], id_of(member), weight) end
end
