#!/usr/bin/env sockq
-- Q: How many TCP sockets wait on which timer, and which fires next?
-- sockq --proc tests/data/captures/mixed-1/proc examples/how-many-sockets-by-timer.lua
-->   13  off
-->    9  on         next in 0.99 s
-->    9  timewait   next in 0.00 s
-->    8  probe      next in 0.00 s
-->    5  keepalive  next in 0.00 s
-->    3  unkn-5     next in 0.00 s
-->    1  unkn-9     next in 8365.65 s

local count, soonest = {}, {}
for s in sockq.tcp():rows() do
  local timer, expires = s.timer, s.expires
  count[timer] = (count[timer] or 0) + 1
  -- expires is nil where no timer runs.
  if expires and expires < (soonest[timer] or math.huge) then
    soonest[timer] = expires
  end
end

local timers = {}
for timer in pairs(count) do
  timers[#timers + 1] = timer
end
table.sort(timers, function(a, b)
  return count[a] > count[b] or (count[a] == count[b] and a < b)
end)
for _, timer in ipairs(timers) do
  local next_one = soonest[timer] and ("next in %.2f s"):format(soonest[timer]) or ""
  print((("%4d  %-9s  %s"):format(count[timer], timer, next_one):gsub("%s+$", "")))
end
