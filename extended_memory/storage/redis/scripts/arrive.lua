#!lua flags=allow-oom
-- Puts a context that has departed into its new project, also in a full memory: it made room where
-- it left, and no call sees it on the way. KEYS, ARGV and the answer are those of bring().
return bring()
