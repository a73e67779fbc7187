#!lua flags=allow-oom
-- Lets a project be as old and as new as another one was. KEYS: what is known about the project.
-- ARGV: when the other was made, and when it was last saved to.
check({'hash'}, {'type', 'hmget', 'hset'})
widen(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]))
