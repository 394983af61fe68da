#!/usr/bin/env sockq
-- Q: What does the kernel not tell of a socket in TIME_WAIT, though its table has columns for it?
-- sockq --proc tests/data/captures/centos7-seed/proc examples/what-does-time-wait-not-tell.lua
--> tcp TIME_WAIT 192.168.91.11:4369 -> 192.168.91.11:41918 timewait 22.35s
--> retrans  unknown, printed as 0
--> probes   unknown, printed as 0
--> uid      unknown, printed as 0
--> inode    unknown, printed as 0
--> owner    unknown: the process has closed it: the kernel keeps a mini-socket without inode

local s = sockq.tcp():where("TIME_WAIT"):first()
if not s then
  print("no socket is in TIME_WAIT")
  return
end

print(s)
for _, name in ipairs({ "retrans", "probes", "uid", "inode" }) do
  -- The text has a number all the same: raw() gives it, and netstat prints it.
  print(("%-8s %s, printed as %d"):format(name, s[name] or "unknown", s:raw(name)))
end
print("owner    unknown: " .. s.owner_why)
