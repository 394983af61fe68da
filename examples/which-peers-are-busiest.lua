#!/usr/bin/env sockq
-- Q: Which peers have most connections with this machine, and how many bytes wait between us?
-- sockq --proc tests/data/captures/mixed-2/proc examples/which-peers-are-busiest.lua 5
-->   4 sockets          35 bytes  127.0.0.1
-->   3 sockets    33554456 bytes  ::1
-->   2 sockets           0 bytes  ::127.0.0.1
-->   1 sockets  2164260862 bytes  192.168.41.195
-->   1 sockets  2164260862 bytes  255.255.255.227

local most = tonumber(arg[1]) or 10
local peers, list = {}, {}
for s in sockq.tcp():where("remote_port ~= 0"):rows() do
  local peer = peers[s.remote_addr]
  if not peer then
    peer = { address = s.remote_addr, sockets = 0, bytes = 0 }
    peers[s.remote_addr], list[#list + 1] = peer, peer
  end
  peer.sockets = peer.sockets + 1
  peer.bytes = peer.bytes + s.recv_q + s.send_q
end

table.sort(list, function(a, b)
  if a.sockets ~= b.sockets then return a.sockets > b.sockets end
  if a.bytes ~= b.bytes then return a.bytes > b.bytes end
  return a.address < b.address
end)
for i = 1, math.min(most, #list) do
  print(("%3d sockets  %10d bytes  %s"):format(list[i].sockets, list[i].bytes, list[i].address))
end
