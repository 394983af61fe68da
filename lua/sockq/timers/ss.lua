-- The timer as `ss -o` (iproute2 6.1) prints it over /proc text: timer:(keepalive,3.610ms,0).
local span = require("sockq.span")
local tobit = require("bit").tobit
local min, sformat = math.min, string.format

local is_tcp = { tcp = true, tcp6 = true }

-- A number above 2^64 - 2048 was rounded when it became a Lua number; held just below, it keeps the
-- low 32 bits to within 21 s.
local WORD = 2 ^ 32
local LARGEST = 2 ^ 64 - 2048

--- One socket's timer piece, without the blank that ss puts before it.
---@param row sockq.Row
---@return string  # "" when the timer is off, and for all but TCP
--- The last number is the retransmits for "on" and the probes for every other timer.
--- Example: "timer:(timewait,22sec,0)"
local function format(row)
  local code = row.timer_code
  if not is_tcp[row.proto] or code == 0 then return "" end
  local ms = span.milliseconds(min(row:raw("when"), LARGEST) % WORD)
  local count = tobit(row:raw(code == 1 and "retrans" or "probes"))
  return sformat("timer:(%s,%s,%d)", span.name(code), span.text(ms), count)
end

return {
  doc = "ss -o: timer:(keepalive,3.610ms,0), nothing when off",
  format = format,
}
