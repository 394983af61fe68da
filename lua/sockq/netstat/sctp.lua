-- netstat's listing of SCTP endpoints and associations: several lines a socket.

local names = require("sockq.netstat.names")
local schema = require("sockq.schema")
local addresses = require("sockq.sctp").addresses
local state = require("sockq.state")

local C = schema.C

local sctp = {}

local INDENT = (" "):rep(20)

--- Whether a row is shown: -l takes endpoints, no option associations, -a both.
function sctp.shown(row, chosen)
  local is_endpoint = row.table == C.SOCKQ_SCTP_EPS
  return chosen.all or is_endpoint == (chosen.listening or false)
end

local function state_of(row)
  if row.state == 0 then
    return ""
  end
  return row.state < 12 and state.tcp[row.state] or ("UNKNOWN(%d)"):format(row.state)
end

local function hosts(row, set, is_local, numeric)
  local list = {}
  for i, one in ipairs(addresses(row, set, is_local)) do
    list[i] = names.host(one[1], one[2], numeric)
  end
  return list
end

local function with_port(host, port)
  return host .. ":" .. (port == 0 and "*" or port)
end

local function endpoint_lines(row, set, numeric)
  local lines = {}
  for i, host in ipairs(hosts(row, set, true, numeric)) do
    lines[i] = ("%-20s%-47s %-11s"):format(i == 1 and "sctp" or "", with_port(host, row.local_port),
      i == 1 and state_of(row) or "")
  end
  return lines
end

local function association_lines(row, set, numeric)
  local locals = hosts(row, set, true, numeric)
  local remotes = hosts(row, set, false, numeric)
  local lines = {}
  for i = 1, math.max(#locals, #remotes) do
    local here, there = locals[i] or "", remotes[i] or ""
    if i == 1 then
      lines[i] = ("sctp  %6d %6d %-23s %-23s %-11s"):format(row.recv_q, row.send_q,
        here ~= "" and with_port(here, row.local_port) or "",
        there ~= "" and with_port(there, row.remote_port) or "", state_of(row))
    else
      lines[i] = INDENT .. ("%-23s %-23s %-11s"):format(here, there, "")
    end
  end
  return lines
end

--- The text of one socket: its lines, then once the optional columns.
---@param chosen table  of options.lua
---@return string
function sctp.text(row, set, chosen)
  local numeric = chosen.numeric_hosts or chosen.numeric_ports or chosen.numeric_users or chosen.symbolic
  local lines = row.table == C.SOCKQ_SCTP_EPS and endpoint_lines(row, set, numeric) or
    association_lines(row, set, numeric)
  local tail = ""
  if chosen.extend then
    tail = tail .. (" %-10s %-10s"):format(names.user(row.uid, chosen.numeric_users), names.inode(row.inode))
  end
  if chosen.programs then
    tail = tail .. (" %-20s"):format(names.owner(row, set))
  end
  if chosen.timers then
    tail = tail .. " "
  end
  return table.concat(lines, "\n") .. tail .. "\n"
end

return sctp
