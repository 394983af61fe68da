-- States: how many sockets of each protocol are in which state.

local state = require("sockq.state")

local sformat = string.format

local PROTOS = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6" }
local TCP, DATAGRAM = { tcp = true, tcp6 = true }, { ESTABLISHED = true, UNCONN = true }

local WHERE = { name = "where", type = "expression", many = true, doc = "count only sockets that match" }

-- What is worth a look, by state; the first one that there is.
local LOOK = {
  { state = "CLOSE_WAIT", command = "sockq leaks", why = "the peers have closed, our programs have not: which" },
  { state = "TIME_WAIT", command = "sockq drain", why = "when the sockets in TIME_WAIT are gone" },
  { state = "SYN_RECV", command = "sockq SYN_RECV -g local_port", why = "which listeners connections come to" },
  { state = "SYN_SENT", command = "sockq SYN_SENT -g remote_addr,remote_port,program", why = "who does not answer whom" },
  { state = "FIN_WAIT2", command = "sockq dying", why = "what is being closed, and how long it takes" },
  { state = "LISTEN", command = "sockq listen", why = "who listens, and how exposed" },
}

-- A line with zeros where a protocol could be in the state.
local function new_line(name)
  local line = { state = name, total = 0 }
  for _, proto in ipairs(PROTOS) do
    if TCP[proto] then
      line[proto] = name ~= "UNCONN" and 0 or nil
    else
      line[proto] = DATAGRAM[name] and 0 or nil
    end
  end
  return line
end

-- The states in the kernel's order, each once.
local function all_lines()
  local lines, by_name = {}, {}
  local function add(name)
    if name and not by_name[name] then
      by_name[name] = new_line(name)
      lines[#lines + 1] = by_name[name]
    end
  end
  for number = 1, 13 do
    add(state.tcp[number])
  end
  add("UNCONN")
  return lines, by_name, add
end

return {
  help = "how many sockets of each protocol are in which state?",
  doc = [[
Every state has its line, with 0 where there could be sockets and are none, and
nothing where a protocol has no such state. UDP and raw sockets are ESTABLISHED
(connected to one peer) or UNCONN.]],
  args = { WHERE },
  run = function(args, report)
    local rows = report:query("tcp,udp,udplite,raw", args.where)
    local lines, by_name, add = all_lines()
    local total = 0
    rows:group("state, proto"):each(function(row)
      add(row.state)
      local line = by_name[row.state]
      line[row.proto] = (line[row.proto] or 0) + row.count
      line.total = line.total + row.count
      total = total + row.count
    end)
    report:text(sformat("sockets: %d", total))
    report:rows({ rows = lines, columns = { "state", "total", unpack(PROTOS) } })
    for _, look in ipairs(LOOK) do
      if by_name[look.state].total > 0 then
        report:next(look.command, look.why)
      end
    end
    report:status(total > 0 and 0 or 1)
  end,
}
