-- Stands before every script. A ZSET of contexts is sorted by importance * LEVEL + time.
local LEVEL = 8796093022208  -- 2^43 milliseconds after 1970 is the year 2248

-- Lua would round a large number when it turns it into text by itself.
local function whole(number)
  return string.format('%.0f', number)
end

-- A script that fails half way is not rolled back: what could fail is looked at first, the types
-- of the keys and the commands that the user may lack.
local function check(types, commands)
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(command, KEYS[1]) then error({err = 'NOPERM ' .. command}) end
  end
  for i, key in ipairs(KEYS) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'none' and found ~= types[i] then error({err = 'EMTYPE ' .. key}) end
  end
end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
