#!/usr/bin/env sockq
-- Q: Which processes leave received data unread, and in how many sockets?
-- sockq --proc tests/data/captures/mixed-2/proc examples/whose-data-is-not-read.lua
-->  2097152 KiB in  1 sockets: 38050/java
-->  2097152 KiB in  1 sockets: 88292/sshd
-->        4 KiB in  1 sockets: 122124/mysqld
-->        4 KiB in  1 sockets: 128099/mysqld
-->        4 KiB in  1 sockets: 2546/python3
-->        4 KiB in  1 sockets: 28917/a
-->        4 KiB in  1 sockets: 49025/nginx: worker p
-->        4 KiB in  1 sockets: 80917/sshd
-->        4 KiB in  1 sockets: 91754/postgres: 13/main: stats collector
-->        4 KiB in  1 sockets: 92254/java

local escape = sockq.escape

-- Of a listener recv_q counts connections, not bytes; of UDP it is memory, headers included.
local unread = sockq.inet():where("recv_q >= 1 * KiB and not LISTEN and pid ~= nil")

local bytes, sockets, list = {}, {}, {}
for s in unread:rows() do
  -- A socket can have several owners, such as a server and its workers.
  for _, owner in ipairs(s.owners) do
    local program = escape(owner.program or "?")
    local who = ("%d/%s"):format(owner.pid, program)
    if not bytes[who] then
      bytes[who], sockets[who], list[#list + 1] = 0, 0, who
    end
    bytes[who] = bytes[who] + s.recv_q
    sockets[who] = sockets[who] + 1
  end
end

table.sort(list, function(a, b)
  return bytes[a] > bytes[b] or (bytes[a] == bytes[b] and a < b)
end)
for _, who in ipairs(list) do
  print(("%8.0f KiB in %2d sockets: %s"):format(bytes[who] / 1024, sockets[who], who))
end
