-- The timer as `ss -o` (iproute2 6.1) prints it over /proc text: timer:(keepalive,3.610ms,0).
local tobit = require("bit").tobit
local floor, min, sformat = math.floor, math.min, string.format

local is_tcp = { tcp = true, tcp6 = true }
local names = { [1] = "on", [2] = "keepalive", [3] = "timewait", [4] = "persist" }

-- ss keeps ticks and milliseconds in 32 bits. A number above 2^64 - 2048 was rounded when it
-- became a Lua number; held just below, it keeps the low 32 bits to within 21 s.
local WORD = 2 ^ 32
local LARGEST = 2 ^ 64 - 2048

--- A time span in ss 6.1's spelling, which writes 3610 ms as "3.610ms" and 0 as nothing.
---@param ms number  whole milliseconds
---@return string
local function span(ms)
  local seconds = floor(ms / 1000)
  local minutes = floor(seconds / 60)
  if minutes > 9 then return sformat("%dmin", minutes) end
  seconds = seconds % 60
  if minutes > 0 then
    if seconds == 0 then return sformat("%dmin", minutes) end
    return sformat("%dmin%dsec", minutes, seconds)
  end
  ms = ms % 1000
  if seconds > 9 or (seconds > 0 and ms == 0) then return sformat("%dsec", seconds) end
  if seconds > 0 then return sformat("%d.%03dms", seconds, ms) end
  if ms > 0 then return sformat("%03dms", ms) end
  return ""
end

--- One socket's timer piece, without the blank that ss puts before it.
---@param row sockq.Row
---@return string  # "" when the timer is off, and for all but TCP
--- The last number is the retransmits for "on" and the probes for every other timer.
--- Example: "timer:(timewait,22sec,0)"
local function format(row)
  local code = row.timer_code
  if not is_tcp[row.proto] or code == 0 then return "" end
  local ticks = min(row:raw("when"), LARGEST) % WORD
  local ms = floor((ticks * 1000 + 99) % WORD / 100)
  local count = tobit(row:raw(code == 1 and "retrans" or "probes"))
  return sformat("timer:(%s,%s,%d)", names[code] or "unknown", span(ms), count)
end

return {
  doc = "ss -o: timer:(keepalive,3.610ms,0), nothing when off",
  format = format,
}
