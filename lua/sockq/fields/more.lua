-- What more sock_diag told of a row than a row holds: the structs behind it, nil where the row is
-- from elsewhere, or nothing of the kind was asked for.

local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local tonumber = tonumber
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local UNIX, NETLINK, PACKET = tonumber(C.SOCKQ_UNIX), tonumber(C.SOCKQ_NETLINK), tonumber(C.SOCKQ_PACKET)
local MPTCP, VSOCK = tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_VSOCK)

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

local function of_table(number, read)
  return function(row, set)
    if row.table == number and has(row.flags, DIAG) then
      return (read(set, row.more))
    end
  end
end

--- A row's sockq_unix_diag, sockq_netlink_diag, sockq_packet_diag.
more.unix = of_table(UNIX, schema.unix_diag)
more.netlink = of_table(NETLINK, schema.netlink_diag)
more.packet = of_table(PACKET, schema.packet_diag)

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
  end
  return (more.inet(row, set))
end

return more
