-- Exposed: what other machines can reach, by program.

local services = require("sockq.services")

local sformat = string.format

local RANK = { any = 1, public = 2, private = 3, multicast = 4, link = 5 }
local BASE = { tcp6 = "tcp", udp6 = "udp", udplite6 = "udplite" }

local function new_line(row, proto)
  return { program = row.program, proto = proto, port = row.local_port, service = services.name(row.local_port, proto),
    scope = row.scope, user = row.user, addresses = {}, seen = {} }
end

-- A line for each program, protocol and port, with all of its addresses.
local function lines_of(rows)
  local lines, by_key = {}, {}
  rows:each(function(row)
    local proto = BASE[row.proto] or row.proto
    local key = sformat("%s %d %s", proto, row.local_port, row.program or "")
    local line = by_key[key]
    if not line then
      line = new_line(row, proto)
      by_key[key] = line
      lines[#lines + 1] = line
    end
    if not line.seen[row.local_addr] then
      line.seen[row.local_addr] = true
      table.insert(line.addresses, row.local_addr)
    end
    line.scope = RANK[row.scope] < RANK[line.scope] and row.scope or line.scope
  end)
  table.sort(lines, function(a, b)
    if RANK[a.scope] ~= RANK[b.scope] then
      return RANK[a.scope] < RANK[b.scope]
    elseif a.port ~= b.port then
      return a.port < b.port
    end
    return a.proto .. (a.program or "") < b.proto .. (b.program or "")
  end)
  return lines
end

return {
  help = "which programs can other machines reach, and on which ports?",
  doc = [[
Listening TCP and SCTP sockets, and UDP sockets that take datagrams from anybody,
on addresses other than loopback: a line for each program and port, the widest
scope first. A firewall may stand before them, which sockq cannot see. A line
without a program belongs to another user, to another network namespace's
process, or to the kernel.]],
  args = { { name = "where", type = "expression", many = true, doc = "only listeners that match" } },
  run = function(args, report)
    local rows = report:query("tcp,udp,udplite,sctp", args.where):where('(LISTEN or UNCONN) and local_port > 0')
      :where('scope ~= "loopback"'):needs({ "program" })
    local lines = lines_of(rows)
    local programs, count = {}, 0
    for _, line in ipairs(lines) do
      count = count + (line.program and not programs[line.program] and 1 or 0)
      programs[line.program or ""] = true
    end
    if #lines > 0 then
      report:text(sformat("ports that other machines can reach: %d, of programs: %d", #lines, count))
      report:text("a firewall may stand before them: nft list ruleset, or iptables-save, shows what it lets through")
    end
    report:rows({ rows = lines, columns = { "program", "proto", "port", "service", "scope", "addresses", "user" },
      empty = "nothing listens on an address that other machines can reach" })
    if #lines == 0 then
      return
    end
    local first = lines[1]
    report:next(sformat("sockq -l 'local_port == %d'", first.port), "the sockets of the first line")
    report:next(sformat("sockq 'local_port == %d and remote_port > 0' -g remote_addr", first.port), "who uses it now")
  end,
}
