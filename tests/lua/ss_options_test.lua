--- The command line of the ss view: tables, families, states, and what ends the run.
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local options = require "sockq.ss.options"
local plan = require "sockq.ss.plan"
local states = require "sockq.ss.states"

local function words(line)
  local list = {}
  for word in line:gmatch "%S+" do list[#list + 1] = word end
  return list
end

-- "TABLES | FAMILIES | STATES | COLUMNS", or how the run ends.
local function describe(line)
  local chosen, ends = options.parse(words(line))
  if ends then return ("%d %s"):format(ends.status, (ends.err or ends.out):match "^[^\n]*") end
  local mask, at = states.read(chosen.words, chosen.states)
  if not mask then return at end
  local made = plan.new(chosen, mask)
  local families, numbers = {}, {}
  for name in pairs(made.families) do families[#families + 1] = name end
  table.sort(families)
  for number = 0, 31 do
    if bit.band(made.states, bit.lshift(1, number)) ~= 0 then numbers[#numbers + 1] = number end
  end
  return plan.is_empty(made) or ("%s | %s | %s | %s%s"):format(table.concat(made.order, " "), table.concat(families, " "),
    table.concat(numbers, " "), made.show.netid and "N" or "", made.show.state and "S" or "")
end

local CONNECTED, ALL = "0 1 2 4 5 8 9 11", "0 1 2 3 4 5 6 7 8 9 10 11"
local EVERY = "netlink packet_raw packet_dgram unix_stream unix_dgram unix_seqpacket raw udp tcp dccp sctp vsock_stream "
  .. "vsock_dgram xdp mptcp"
local INET = "raw udp tcp dccp sctp mptcp"
local cases = {
  [""] = EVERY .. " | inet inet6 link netlink unix vsock xdp | " .. CONNECTED .. " | NS",
  ["-a"] = EVERY .. " | inet inet6 link netlink unix vsock xdp | " .. ALL .. " | NS",
  ["-t"] = "tcp | inet inet6 | " .. CONNECTED .. " | S",
  ["-u"] = "udp | inet inet6 | 1 | ",
  ["-tu"] = "udp tcp | inet inet6 | " .. CONNECTED .. " | NS",
  ["-0"] = "packet_raw packet_dgram | link | 7 | N",
  ["-4"] = INET .. " | inet | " .. CONNECTED .. " | NS",
  ["-4t"] = "tcp | inet | " .. CONNECTED .. " | S",
  ["-tx"] = "unix_stream unix_dgram unix_seqpacket tcp | inet inet6 unix | " .. CONNECTED .. " | NS",
  ["-f netlink"] = "netlink | netlink | 7 | ",
  ["--tipc"] = "tipc | tipc | 1 7 10 | S",
  ["--vsock -l"] = "vsock_stream vsock_dgram | vsock | 7 10 | NS",
  ["-al"] = EVERY .. " | inet inet6 link netlink unix vsock xdp | 7 10 | NS",
  ["-la"] = EVERY .. " | inet inet6 link netlink unix vsock xdp | " .. ALL .. " | NS",
  ["-A udp"] = "udp | inet inet6 | " .. CONNECTED .. " | S",
  ["-u -A tcp"] = "tcp | inet inet6 | " .. CONNECTED .. " | S",
  ["-A tcp -A udp -w"] = "raw udp tcp | inet inet6 | " .. CONNECTED .. " | NS",
  ["-A inet,!tcp,!mptcp"] = "raw udp dccp sctp | inet inet6 | " .. CONNECTED .. " | NS",
  ["-A udp exclude all"] = "udp | inet inet6 | 1 | ",
  ["-A udp,u_dgr exclude all"] = "unix_dgram udp | inet inet6 unix | 1 7 | NS",
  ["-ta state established state syn-RCV"] = "tcp | inet inet6 | 1 3 | S",
  ["-t exclude connected"] = "tcp | inet inet6 | 7 10 | S",
  ["-t state big exclude all"] = "tcp | inet inet6 | " .. CONNECTED .. " | S",
  ["-t state bucket -a"] = "tcp | inet inet6 | 3 6 | S",
  ["-t state listening"] = "tcp | inet inet6 | 10 | ",
  ["-t -A !tcp"] = "ss: no socket tables to show with such filter.\n",
  ["state"] = 'Command line is not complete. Try option "help"\n',
  ["state listen"] = "ss: wrong state name: listen\n",
  ["-h -V"] = "0 Usage: ss [ OPTIONS ]",
  ["-v"] = "0 ss utility, iproute2-6.1.0",
  ["-V -f nope"] = "0 ss utility, iproute2-6.1.0",
  ["-f help"] = "0 Usage: ss [ OPTIONS ]",
  ["-f nope"] = '255 ss: "nope" is invalid family',
  ["-A tcp,,udp"] = '255 ss: "" is illegal socket table id',
  ["-A !"] = '255 ss: "!" is illegal socket table id',
  ["-Z"] = "1 ss: SELinux is not enabled.",
  ["-F a -F b"] = "255 More than one filter file",
  ["-tK"] = "255 sockq: ss: -K closes sockets; sockq only reads: ss -K does it",
  ["--diag x"] = "255 sockq: ss: -D writes what the kernel said to a file; sockq only reads: ss -D does it",
}
for line, want in pairs(cases) do check.equal("ss " .. line, describe(line), want) end

local function show(line)
  local names = {}
  for name, on in pairs(options.parse(words(line)).show) do names[#names + 1] = on and name or "no " .. name end
  table.sort(names)
  return table.concat(names, " ")
end
check.equal("-e brings -o", show "-e", "extended header options")
check.equal("-b brings -o", show "-b", "bpf header options")
check.equal("-T brings -p", show "-T", "header processes threads")
check.equal("long ones", show "--no-h --inet-s --onel --num --tos --cg --tipci --mem --inf",
  "cgroup inet_sockopt info memory no header numeric oneline tipcinfo tos")
check.equal("words in between", table.concat(options.parse(words "src 1 -t -- dst -2").words, " "), "src 1 dst -2")
check.finish()
