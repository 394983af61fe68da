-- netstat's listing of unix sockets: a table of columns.

local escape = require("sockq.escape")
local names = require("sockq.netstat.names")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has

local unix = {}

-- include/linux/net.h: __SO_ACCEPTCON, and two flags that kernels no longer print.
local ACCEPTS, WAITS_DATA, NO_SPACE = 0x10000, 0x20000, 0x40000

local TYPES = { "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET" }
local STATES = {
  [C.SOCKQ_SS_FREE] = "FREE",
  [C.SOCKQ_SS_UNCONNECTED] = "",
  [C.SOCKQ_SS_CONNECTING] = "CONNECTING",
  [C.SOCKQ_SS_CONNECTED] = "CONNECTED",
  [C.SOCKQ_SS_DISCONNECTING] = "DISCONNECTING",
}

local function listens(row)
  return row.state == C.SOCKQ_SS_UNCONNECTED and has(row.un.flags, ACCEPTS)
end

--- Whether a row is shown: -l takes what listens, no option all the rest.
function unix.shown(row, chosen)
  return chosen.all or listens(row) == (chosen.listening or false)
end

local function flags(row)
  local text = "[ "
  if has(row.un.flags, ACCEPTS) then
    text = text .. "ACC "
  end
  if has(row.un.flags, WAITS_DATA) then
    text = text .. "W "
  end
  if has(row.un.flags, NO_SPACE) then
    text = text .. "N "
  end
  return text .. "]"
end

-- netstat reads the name as one word: up to the first blank after those it begins with.
local function path(row, set)
  local text = schema.text(set, row.un.path, row.un.path_len)
  local line = text and text:match("^[^\n]*")
  local word = line and escape.dots(line:match("^[ \t\v\f\r]*([^ \t\v\f\r]*)")) or ""
  return has(row.flags, C.SOCKQ_ROW_SUSPECT) and "(suspect) " .. word or word
end

--- The columns; get(row, set, cursor) → text.
function unix.columns(chosen)
  local columns = {
    { title = "Proto", width = 5, get = function(row) return row.un.protocol == 0 and "unix" or "??" end },
    { title = "RefCnt", width = 6, get = function(row) return ("%d"):format(row.refs % 2 ^ 32) end },
    { title = "Flags", width = 11, get = flags },
    { title = "Type", width = 10, get = function(row) return TYPES[row.un.type] or "UNKNOWN" end },
    { title = "State", width = 13, get = function(row)
      return listens(row) and "LISTENING" or STATES[row.state] or "UNKNOWN"
    end },
    { title = "I-Node", width = 8, get = function(row) return names.inode(row.inode) end },
  }
  if chosen.programs then
    columns[#columns + 1] = { title = "PID/Program name", width = 20, get = names.owner }
  end
  columns[#columns + 1] = { title = "Path", get = path }
  return columns
end

return unix
