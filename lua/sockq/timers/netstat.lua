-- The Timer column of `netstat -o` (net-tools 2.10), byte for byte: its C switch as a Lua table.
-- To write your own: copy this file to ~/.config/sockq/timers/NAME.lua, then sockq --timer NAME.
local tobit = require("bit").tobit
local sformat = string.format

-- Kernel code (column "tr") -> text of seconds left, retransmits, unanswered probes.
local tcp = {
  [1] = "on (%.2f/%d/%d)",
  [2] = "keepalive (%.2f/%d/%d)",
  [3] = "timewait (%.2f/%d/%d)",
  [4] = "probe (%.2f/%d/%d)",
}
local datagram = {
  [1] = "on1 (%.2f/%d/%d)",
  [2] = "on2 (%.2f/%d/%d)",
}
-- Code 0, whatever the time says, and codes that no table has.
local off = "off (0.00/%d/%d)"
local unknown = "unkn-%d (%.2f/%d/%d)"

local switch = {
  tcp = tcp, tcp6 = tcp,
  udp = datagram, udp6 = datagram, udplite = datagram, udplite6 = datagram,
  raw = datagram, raw6 = datagram, icmp = datagram, icmp6 = datagram,
}
-- netstat reads the retransmits of these and then prints 0.
local drops_retrans = { udp = true, udp6 = true, udplite = true, udplite6 = true }

--- One cell of the column.
---@param row sockq.Row
---@return string  # "" for a socket without timers (unix, netlink, packet)
--- row:raw() is what the kernel's text said: netstat shows zeros where row.retrans would be nil.
--- Cost: 20 to 200 ns, most of it for "%.2f". Example: "keepalive (3.61/0/0)"
local function format(row)
  local texts = switch[row.proto]
  if not texts then return "" end
  local code = row.timer_code
  local retrans = drops_retrans[row.proto] and 0 or row:raw("retrans")
  local probes = tobit(row:raw("probes")) -- netstat keeps them in an int
  if code == 0 then return sformat(off, retrans, probes) end
  local seconds = row:raw("when") / 100
  local text = texts[code]
  if text then return sformat(text, seconds, retrans, probes) end
  return sformat(unknown, code, seconds, retrans, probes)
end

return {
  doc = "netstat -o: keepalive (3.61/0/0), that is seconds/retransmits/probes",
  format = format,
}
