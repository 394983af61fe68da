-- The timer in a few plain words, for the default table: "keepalive in 3.6 s".
local floor, sformat = math.floor, string.format

local is_tcp = { tcp = true, tcp6 = true }

-- Kernel code -> what the timer is called, how its wait is told, and which field counts for it.
local kinds = {
  [1] = { name = "retransmit", wait = "%s in %s", count = "retrans" },
  [2] = { name = "keepalive", wait = "%s in %s", count = "probes" },
  [3] = { name = "timewait", wait = "%s %s left" },
  [4] = { name = "probe", wait = "%s in %s", count = "probes" },
}
local fin_wait = { name = "fin wait", wait = "%s %s left" }
local unknown = { wait = "%s in %s" }

-- More ticks than any timer has: so old kernels, say 2.6.32, print overdue ones.
local OVERDUE = 2 ^ 28

local endings = { "st", "nd", "rd" }

---@param n integer
---@return string  # "1st", "2nd", "11th"
local function ordinal(n)
  local teens = floor(n / 10) % 10 == 1
  return sformat("%d%s", n, not teens and endings[n % 10] or "th")
end

---@param n integer
---@param unit string
---@param rest integer
---@param subunit string
---@return string  # "2 h 5 min"; "2 h" when there is no rest
local function pair(n, unit, rest, subunit)
  if rest == 0 then return sformat("%d %s", n, unit) end
  return sformat("%d %s %d %s", n, unit, rest, subunit)
end

--- A time span as a person would say it, in two units at most.
---@param s number  seconds, above 0
---@return string  # "0.04 s", "3.6 s", "22 s", "1 min 26 s", "2 h", "3 d 4 h"
local function span(s)
  if s < 0.1 then return sformat("%.2f s", s) end
  if s < 9.95 then return sformat("%.1f s", s) end
  s = floor(s)
  if s < 60 then return sformat("%d s", s) end
  if s < 3600 then return pair(floor(s / 60), "min", s % 60, "s") end
  if s < 86400 then return pair(floor(s / 3600), "h", floor(s % 3600 / 60), "min") end
  return pair(floor(s / 86400), "d", floor(s % 86400 / 3600), "h")
end

---@param name string
---@param wait string
---@param row sockq.Row
---@return string  # "keepalive in 3.6 s", "keepalive due", "keepalive overdue"
local function tell(name, wait, row)
  if row:raw("when") > OVERDUE then return name .. " overdue" end
  local s = row.expires
  if s == 0 then return name .. " due" end
  return sformat(wait, name, span(s))
end

--- One cell of the column.
---@param row sockq.Row
---@return string  # "" for a socket without timers (unix, netlink, packet)
--- The bracket appears when something went unanswered: "(3rd)" is the retransmission to come,
--- two before it were in vain; "(9 unanswered)" are probes. Example: "retransmit in 0.2 s (3rd)"
local function format(row)
  local code = row.timer_code
  if code == nil then return "" end
  if code == 0 then return "off" end

  local kind = is_tcp[row.proto] and kinds[code] or unknown
  -- An orphan's wait for the peer's FIN borrows the keepalive or the TIME_WAIT timer.
  if row.state == "FIN_WAIT2" and (code == 3 or code == 2 and row.inode == nil) then
    kind = fin_wait
  end

  local text = tell(kind.name or "timer " .. code, kind.wait, row)
  local count = kind.count and row[kind.count]
  if not count or count == 0 then return text end
  if code == 1 then return sformat("%s (%s)", text, ordinal(count + 1)) end
  return sformat("%s (%d unanswered)", text, count)
end

return {
  doc = "plain words: keepalive in 3.6 s, retransmit in 0.2 s (3rd), timewait 22 s left",
  format = format,
}
