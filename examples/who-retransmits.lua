#!/usr/bin/env sockq
-- Q: Which connections resend data in vain, and how often has each tried?
-- sockq --proc tests/data/captures/mixed-1/proc examples/who-retransmits.lua
--> 15 timeouts,        0 bytes, next try in 7200.0 s: 2001:db8:cc58:f784:a871:847d:fce:a2dd port 3306, no process known
-->  7 timeouts,       17 bytes, next try in 4736.4 s: ::1 port 8080, no process known
-->  5 timeouts,        0 bytes, next try in 22.4 s: 10.52.222.193 port 3306, no process known
-->  2 timeouts,        0 bytes, next try in 1.0 s: 192.168.224.239 port 443, no process known
-->  2 timeouts, 16777215 bytes, next try in 6599.2 s: 97.155.145.255 port 5432, no process known
-->  1 timeouts,        0 bytes, next try in 74.1 s: ::ffff:255.255.255.231 port 5432, no process known

local escape = sockq.escape

-- The retransmission timer is "on"; beside another timer the count means nothing.
-- needs: read the owners from the start, not in a second pass when the first is asked for.
local trying = sockq.tcp():where('timer == "on" and retrans > 0'):needs({ "program" }):list()

table.sort(trying, function(a, b)
  return a.retrans > b.retrans or (a.retrans == b.retrans and a.expires < b.expires)
end)
for _, s in ipairs(trying) do
  local program = escape(s.program or "no process known")
  print(("%2d timeouts, %8d bytes, next try in %.1f s: %s port %d, %s"):format(
    s.retrans, s.send_q, s.expires, s.remote_addr, s.remote_port, program))
end
