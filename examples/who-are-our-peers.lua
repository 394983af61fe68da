#!/usr/bin/env sockq
-- Q: Which of the hosts in a CSV file talk to us, and which of our peers are in no list?
-- sockq --proc tests/data/captures/mixed-2/proc --data hosts=examples/data/hosts.csv examples/who-are-our-peers.lua
--> team       the_host   count  ports
--> ourselves  localhost      3      2
--> storage    db-1           1      1
--> web        edge-7         1      1
-->
--> scope     in_no_list
--> public            17
--> private           12
--> loopback           4
--> link               4

local peers, hosts = sockq.tcp():where("remote_port > 0"), sockq.data.hosts
peers:join(hosts, "address=remote_addr", { prefix = "the_" }):group("team, the_host"):agg("count, ports=distinct(local_port)")
  :sort("team, the_host"):print()
print()
peers:join(hosts, "address=remote_addr", { how = "anti" }):group("scope=remote_scope")
  :count("in_no_list"):sort("-in_no_list"):print()
