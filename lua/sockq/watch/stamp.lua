-- Points in time as text.

--- ISO 8601 with milliseconds and the local offset from UTC: 2026-11-26T05:47:32.250+01:00.
---@param at number  seconds since 1970
---@return string
return function(at)
  local ms = math.floor(at * 1000 + 0.5)
  local seconds = math.floor(ms / 1000)
  local sign, hours, minutes = os.date("%z", seconds):match("^([+-])(%d%d)(%d%d)$")
  return ("%s.%03d%s%s:%s"):format(os.date("%Y-%m-%dT%H:%M:%S", seconds), ms % 1000, sign or "+", hours or "00",
    minutes or "00")
end
