#!/usr/bin/env sockq
-- Q: Which unix socket paths are in use, by how many sockets, and who listens on them?
-- sockq --proc tests/data/captures/mixed-1/proc examples/who-uses-which-unix-path.lua /
--> /run/systemd/journal/dev-log  5 sockets, heard by mysqld, a
--> /tmp/with space 1             1 sockets, heard by (paren) name
--> /tmp/with space 17            1 sockets, heard by nobody
--> /var/run/x.sock               3 sockets, heard by nobody

-- Processes choose names and paths: escape() keeps their control bytes from the terminal.
local escape = sockq.escape

-- The argument: what the paths begin with; abstract names begin with @.
local start = arg[1] or ""
local count, listeners, paths = {}, {}, {}
for s in sockq.unix():where("path ~= nil"):needs({ "program" }):rows() do
  local path = s.path
  if path:sub(1, #start) == start then
    if not count[path] then
      count[path], listeners[path], paths[#paths + 1] = 0, {}, path
    end
    count[path] = count[path] + 1
    if s.state == "LISTEN" then
      local program = escape(s.program or "?")
      table.insert(listeners[path], program)
    end
  end
end

table.sort(paths)
for _, path in ipairs(paths) do
  local who = #listeners[path] > 0 and table.concat(listeners[path], ", ") or "nobody"
  local name = escape(path)
  print(("%-28s  %d sockets, heard by %s"):format(name, count[path], who))
end
