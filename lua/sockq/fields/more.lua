-- What more sock_diag told of a row than a row holds: the structs behind it, nil where the row is
-- from elsewhere, or nothing of the kind was asked for.

local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local tonumber = tonumber
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local TCP6 = tonumber(C.SOCKQ_TCP6)
local UNIX, NETLINK, PACKET = tonumber(C.SOCKQ_UNIX), tonumber(C.SOCKQ_NETLINK), tonumber(C.SOCKQ_PACKET)
local MPTCP, VSOCK = tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_VSOCK)
local TIPC, XDP = tonumber(C.SOCKQ_TIPC), tonumber(C.SOCKQ_XDP)

local more = {}

--- Whether a row is one of inet_diag: then row.diag is what its union holds.
function more.is_inet(row)
  local number = row.table
  return has(row.flags, DIAG) and (number < UNIX or number >= MPTCP and number < VSOCK)
end

--- A row's sockq_diag.
---@return ffi.cdata*|nil
function more.inet(row, set)
  if more.is_inet(row) then
    -- In parentheses, so that it is no tail call: LuaJIT takes 15 of them for a loop in a trace.
    return (schema.diag(set, row.diag.more))
  end
end

--- The same of a row of TCP alone: what others have in place of keys and upper layers means something else.
function more.tcp(row, set)
  if row.table <= TCP6 and has(row.flags, DIAG) then
    return (schema.diag(set, row.diag.more))
  end
end

local function of_table(number, read)
  return function(row, set)
    if row.table == number and has(row.flags, DIAG) then
      return (read(set, row.more))
    end
  end
end

--- A row's sockq_unix_diag, sockq_netlink_diag, sockq_packet_diag, sockq_tipc_diag, sockq_xdp_diag.
more.unix = of_table(UNIX, schema.unix_diag)
more.netlink = of_table(NETLINK, schema.netlink_diag)
more.packet = of_table(PACKET, schema.packet_diag)
more.tipc = of_table(TIPC, schema.tipc_diag)
more.xdp = of_table(XDP, schema.xdp_diag)

--- That of a row of any table: all have a cookie, has and memory.
---@return ffi.cdata*|nil
function more.any(row, set)
  local number = row.table
  if number == UNIX then
    return (more.unix(row, set))
  elseif number == NETLINK then
    return (more.netlink(row, set))
  elseif number == PACKET then
    return (more.packet(row, set))
  elseif number == TIPC then
    return (more.tipc(row, set))
  elseif number == XDP then
    return (more.xdp(row, set))
  end
  return (more.inet(row, set))
end

return more
