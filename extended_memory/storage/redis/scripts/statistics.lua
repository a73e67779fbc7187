#!lua flags=no-writes
-- Returns how many contexts a search looks through, and how many of them have each of some terms.
-- KEYS: timeline, empty postings, the postings of the terms.
local found, terms = {redis.call('ZCARD', KEYS[1])}, {}
for i = 3, #KEYS do
  terms[i - 2] = term_of(KEYS[i])
  found[i - 1] = redis.call('STRLEN', KEYS[i]) / POSTING
end
if #terms == 0 then return found end
for i, empty in ipairs(redis.call('HMGET', KEYS[2], unpack(terms))) do
  found[i + 1] = found[i + 1] - (empty or 0)
end
return found
