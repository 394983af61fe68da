#!/usr/bin/env sockq
-- Q: Which address pairs are in TIME_WAIT, and when will each vanish?
-- sockq --proc tests/data/captures/mixed-1/proc examples/when-do-time-wait-endpoints-vanish.lua
--> now          182.165.0.63 4369 -> 192.168.204.87 48939
--> now          127.0.0.1 4369 -> 255.255.255.231 53
--> now          111.26.253.201 5432 -> 255.255.255.254 22
--> in 22.4 s    ::192.168.91.123 22 -> ::ffff:127.0.0.1 36824
--> in 60.0 s    192.168.153.218 8080 -> 255.255.255.205 877
--> in 60.0 s    2001:db8::9b6a:6a79 53 -> ::1 49912
--> in 60.0 s    2001:db8:7b3b:699c:2236:74cb:a4fc:335f 4650 -> ::1 39864
--> in 60.0 s    255.255.255.213 22 -> 10.9.203.74 8080
--> in 60.0 s    2001:db8:a702:a9c:702b:728f:ae89:c20b 80 -> ::1 80

local waiting = sockq.tcp():where("TIME_WAIT"):list()

table.sort(waiting, function(a, b) return a.expires < b.expires end)
for _, s in ipairs(waiting) do
  local when = s.expires == 0 and "now" or ("in %.1f s"):format(s.expires)
  print(("%-12s %s %d -> %s %d"):format(when, s.local_addr, s.local_port, s.remote_addr, s.remote_port))
end
