-- netstat's listing of tcp, udp, udplite and raw: a table of columns.

local address = require("sockq.address")
local names = require("sockq.netstat.names")
local schema = require("sockq.schema")
local state = require("sockq.state")

local C = schema.C
local INET = C.SOCKQ_AF_INET

local inet = {}

-- By table number: what the first column says, where port names are looked up, how the state is
-- told, and by what a row counts as listening.
local KINDS = {}
for proto, entry in pairs({
  tcp = { C.SOCKQ_TCP, "tcp", "tcp" }, tcp6 = { C.SOCKQ_TCP6, "tcp", "tcp" },
  udp = { C.SOCKQ_UDP, "udp", "udp" }, udp6 = { C.SOCKQ_UDP6, "udp", "udp" },
  udpl = { C.SOCKQ_UDPLITE, "udp", "udp" }, udpl6 = { C.SOCKQ_UDPLITE6, "udp", "udp" },
  raw = { C.SOCKQ_RAW, "raw", "raw" }, raw6 = { C.SOCKQ_RAW6, "raw", "raw" },
}) do
  KINDS[entry[1]] = { proto = proto, services = entry[2], state = entry[3] }
end
inet.kinds = KINDS

local STATE_OF = {
  tcp = function(row)
    return row.state == 0 and "" or state.name(state.tcp, row.state)
  end,
  udp = function(row)
    if row.state == C.SOCKQ_ESTABLISHED then
      return "ESTABLISHED"
    end
    return row.state == C.SOCKQ_CLOSE and "" or "UNKNOWN"
  end,
  raw = function(row)
    return tostring(row.state)
  end,
}

--- Whether a row is shown: tcp goes by the remote port, udp and raw by the remote address; the
--- state decides nothing.
function inet.shown(row, chosen)
  if chosen.all then
    return true
  end
  local listens
  if row.table <= C.SOCKQ_TCP6 then
    listens = row.remote_port == 0
  else
    listens = address.is_zero(row.remote_addr, row.family == INET and 4 or 16)
  end
  return listens == (chosen.listening or false)
end

--- The columns; get(row, set, cursor) → text. Results stand in parentheses, and numbers become text
--- here, so that LuaJIT compiles a line as a whole: it takes many tail calls for a loop, and does not
--- compile string.format("%6s", number).
---@param chosen table  of options.lua
---@param format_timer fun(row: sockq.Row): string
---@return table[]
function inet.columns(chosen, format_timer)
  local hosts, ports, users = chosen.numeric_hosts, chosen.numeric_ports, chosen.numeric_users
  local wide = chosen.wide
  local function endpoint(addr, port)
    return function(row)
      return (names.endpoint(names.host(row.family, row[addr], hosts),
        names.port(row[port], KINDS[row.table].services, ports), wide))
    end
  end
  local columns = {
    { title = "Proto", width = 5, get = function(row) return KINDS[row.table].proto end },
    { title = "Recv-Q", width = 6, align = "right", get = function(row) return tostring(row.recv_q) end },
    { title = "Send-Q", width = 6, align = "right", get = function(row) return tostring(row.send_q) end },
    { title = "Local Address", width = 23, get = endpoint("local_addr", "local_port") },
    { title = "Foreign Address", width = 23, get = endpoint("remote_addr", "remote_port") },
    { title = "State", width = 11, get = function(row) return (STATE_OF[KINDS[row.table].state](row)) end },
  }
  local function add(column)
    columns[#columns + 1] = column
  end
  if chosen.extend then
    add({ title = "User", width = 10, get = function(row) return (names.user(row.uid, users)) end })
    add({ title = "Inode", width = 10, get = function(row) return (names.inode(row.inode)) end })
  end
  if chosen.programs then
    add({ title = "PID/Program name", width = 20, get = names.owner })
  end
  if chosen.timers then
    add({ title = "Timer", get = function(_, _, cursor) return (format_timer(cursor):sub(1, 63)) end })
  end
  return columns
end

return inet
