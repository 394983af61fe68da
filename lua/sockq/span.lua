-- How ss spells a timer: what it is called, and how long it still runs. Spans are remembered: of all
-- that a listing has, few are spelled differently.

local span = {}

local floor, format = math.floor, string.format

-- ss keeps ticks and milliseconds in 32 bits.
local WORD = 2 ^ 32

--- What ss calls a timer's code.
---@param code number
---@return string
function span.name(code)
  return code == 1 and "on" or code == 2 and "keepalive" or code == 3 and "timewait" or code == 4 and "persist"
    or "unknown"
end

--- Milliseconds of USER_HZ ticks, in the 32 bits in which ss counts.
---@param ticks number  whole, from 0 to 2^32
---@return number
function span.milliseconds(ticks)
  return floor((ticks * 1000 + 99) % WORD / 100)
end

-- What a span is told by: milliseconds below ten seconds, then seconds, from ten minutes on minutes.
local function told(ms)
  if ms < 10000 then
    return ms
  elseif ms < 600000 then
    return ms - ms % 1000
  end
  return ms - ms % 60000
end

local function spell(ms)
  local seconds = floor(ms / 1000)
  local minutes = floor(seconds / 60)
  if minutes > 9 then return format("%dmin", minutes) end
  seconds = seconds % 60
  if minutes > 0 then
    if seconds == 0 then return format("%dmin", minutes) end
    return format("%dmin%dsec", minutes, seconds)
  end
  ms = ms % 1000
  if seconds > 9 or (seconds > 0 and ms == 0) then return format("%dsec", seconds) end
  if seconds > 0 then return format("%d.%03dms", seconds, ms) end
  if ms > 0 then return format("%03dms", ms) end
  return ""
end

local spans = setmetatable({}, {
  __index = function(known, ms)
    local text = spell(ms)
    known[ms] = text
    return text
  end,
})

--- A time span in ss 6.1's spelling, which writes 3610 ms as "3.610ms" and 0 as nothing.
---@param ms number  whole milliseconds
---@return string
function span.text(ms)
  return spans[told(ms)]
end

return span
