#!/usr/bin/env sockq
-- Q: Which of the hosts in a CSV file talk to us, and which of our peers are in no list?
-- sockq --proc tests/data/captures/mixed-2/proc examples/who-are-our-peers.lua examples/data/hosts.csv
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

local args = sockq.args({ { name = "file", type = "string", doc = "a CSV file: address,host,team" } })

-- A simple CSV: no quotes, no commas within fields.
local function read_csv(path)
  local hosts, names = {}, nil
  for line in assert(io.lines(path)) do
    local cells = {}
    for cell in (line .. ","):gmatch("([^,]*),") do cells[#cells + 1] = cell end
    if names then
      local host = {}
      for i, name in ipairs(names) do host[name] = cells[i] end
      hosts[#hosts + 1] = host
    end
    names = names or cells
  end
  return hosts
end

local peers = sockq.tcp():where("remote_port > 0")
local hosts = read_csv(args.file)
peers:join(hosts, "address=remote_addr", { prefix = "the_" }):group("team, the_host"):agg("count, ports=distinct(local_port)")
  :sort("team, the_host"):print()
print()
peers:join(hosts, "address=remote_addr", { how = "anti" }):group("scope=remote_scope")
  :count("in_no_list"):sort("-in_no_list"):print()
