#!lua
-- Stores a context of another store. KEYS, ARGV and the answer are those of bring().
return bring()
