#!lua
-- Lets a search find a context that was saved without an index, if it is still what the caller
-- read. KEYS: those of a context and the postings of its terms. ARGV: the body as it was read,
-- member, the analyzer, what each term weighs.
local member, analyzer = ARGV[2], ARGV[3]
check(TYPES, CHANGING, 'string')
if redis.call('GET', KEYS[BODY]) ~= ARGV[1] then return end
if redis.call('ZSCORE', KEYS[TIMELINE], member) then return end
index(member, ARGV[1], analyzer, FIRST_TAG, slice(ARGV, 4, #ARGV - 3))
