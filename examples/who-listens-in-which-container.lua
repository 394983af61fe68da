#!/usr/bin/env sockq
-- Q: Which containers listen, with which programs and on which ports, and what listens beside them?
-- sockq --proc tests/data/captures/containers/proc examples/who-listens-in-which-container.lua
--> 3b1f0c8e5d7a (docker)      nginx 80,443
--> 45490e76e087 (cri-o)       coredns 8181,9153   pod 29349498-197c-4919-b13f-9a928e7d001b
--> 6dd05e91f00f (podman)      postgres 5432
--> app-preview.service        node 3000
--> docker.service             docker-proxy 8080
--> init.scope                 init 22
--> kubelet.service            kubelet 10250
--> mail (lxc)                 exim4 25
--> ssh.service                sshd 22

-- A socket that several processes have counts once for each different container, so that master and
-- workers of a server are one line, and a socket of systemd and of a service is told of both units.

local places, by_place = {}, {}
local listeners = sockq.inet():where("LISTEN or UNCONN")
for group in listeners:group("container, runtime, pod, unit, program, local_port"):sort("program, local_port"):rows() do
  local place = group.container and ("%s (%s)"):format(group.container, group.runtime or "unknown") or group.unit or "-"
  local programs = by_place[place]
  if not programs then
    programs = { pod = group.pod }
    by_place[place], places[#places + 1] = programs, place
  end
  local name = sockq.escape(group.program or "-"):match("^[^ :]*")
  if not programs[name] then
    programs[name], programs[#programs + 1] = {}, name
  end
  table.insert(programs[name], tostring(group.local_port))
end

table.sort(places)
for _, place in ipairs(places) do
  local programs, told = by_place[place], {}
  for i, name in ipairs(programs) do
    told[i] = name .. " " .. table.concat(programs[name], ",")
  end
  print(("%-26s %s%s"):format(place, table.concat(told, "; "), programs.pod and "   pod " .. programs.pod or ""))
end
