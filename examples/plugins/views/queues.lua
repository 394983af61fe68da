-- Q: Which TCP sockets have bytes that wait, and which end is slow?
-- sockq --path "$PWD/examples/plugins" --proc tests/data/captures/mixed-2/proc queues ESTABLISHED 'send_q < 1 * MiB'
-->     unread  unsent  slow end  peer                                     port  program
-->     123456       0  ours      192.168.128.156                         40791  -
-->          9       0  ours      127.0.0.1                                8080  -
-->          0   70000  theirs    62.130.62.62                             4369  -
-->          9       0  ours      10.254.226.149                           8080  -
-->          0   70000  theirs    2001:db8:e8b1:c4f2:8261:f3e3:62f0:ac9e  12192  -
--> 2147483647       0  ours      2001:db8:904c:d16:aede:4b2:1927:dedb       80  sshd
-->          0   70000  theirs    fe80::7147:1ad7                          5432  (paren) name
-->          0   70000  theirs    ::207.233.54.160                           53  -

local function slow_end(row)
  local unread, unsent = row.recv_q, row.send_q
  if unread > 0 and unsent > 0 then return "both" end
  return unread > 0 and "ours" or "theirs"
end

return {
  doc = "TCP sockets with bytes that wait, and which end is slow",
  from = "tcp",
  where = "recv_q + send_q > 0 and not LISTEN",
  columns = {
    { title = "unread", field = "recv_q" },
    { title = "unsent", field = "send_q" },
    { title = "slow end", get = slow_end },
    { title = "peer", field = "remote_addr", shrink = 15 },
    { title = "port", field = "remote_port" },
    { field = "program", shrink = 8 },
  },
}
