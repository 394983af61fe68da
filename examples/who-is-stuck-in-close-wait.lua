#!/usr/bin/env sockq
-- Q: Which programs keep connections open that their peers have closed?
-- sockq --proc tests/data/captures/mixed-2/proc examples/who-is-stuck-in-close-wait.lua
-->   3  no process known      2147483647 bytes unread
-->   1  75501/sshd            9 bytes unread

local escape = sockq.escape

local stuck, unread = {}, {}
for s in sockq.tcp():where("CLOSE_WAIT"):needs({ "program" }):rows() do
  local program = escape(s.program or "?")
  local who = s.pid and ("%d/%s"):format(s.pid, program) or "no process known"
  stuck[who] = (stuck[who] or 0) + 1
  unread[who] = (unread[who] or 0) + s.recv_q
end

local names = {}
for who in pairs(stuck) do
  names[#names + 1] = who
end
table.sort(names, function(a, b)
  return stuck[a] > stuck[b] or (stuck[a] == stuck[b] and a < b)
end)
for _, who in ipairs(names) do
  print(("%3d  %-20s  %d bytes unread"):format(stuck[who], who, unread[who]))
end
