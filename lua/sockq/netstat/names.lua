-- Addresses, ports, users and owners as netstat prints them.

local ffi = require("ffi")
local address = require("sockq.address")
local core = require("sockq.core")
local escape = require("sockq.escape")
local schema = require("sockq.schema")

local C = schema.C
local INET = C.SOCKQ_AF_INET
local min, sub = math.min, string.sub

local names = {}

local function cache(read)
  return setmetatable({}, {
    __index = function(known, key)
      local value = read(key)
      known[key] = value
      return value
    end,
  })
end

-- An address that begins with 0 is taken for a network's.
local host4 = cache(function(text)
  local name
  if text:find("^0%.") then
    name = core.network4(text)
  else
    name = core.host4(text)
  end
  return name or text
end)

local host6 = cache(function(text)
  return core.host6(text) or text
end)

-- The dotted part of a v4-mapped address, wherever the text has one.
local function without_prefix(text)
  local before = text:match("^[^.]*%.")
  if not before then
    return text
  end
  local colon = before:match(".*():")
  return colon and text:sub(colon + 1) or text
end

--- A host as netstat prints it.
---@param family integer
---@param bytes ffi.cdata*
---@param numeric boolean
function names.host(family, bytes, numeric)
  if family == INET then
    local text = address.text4(bytes)
    if numeric or text == "0.0.0.0" then
      return text
    end
    return escape.dots(host4[text])
  end
  local text = address.text6(bytes)
  if not numeric then
    if text == "::" then
      return "[::]"
    end
    text = host6[text]
  end
  if address.is_mapped(bytes) then
    text = without_prefix(text)
  end
  return escape.dots(text)
end

local services = cache(core.services)

--- A port as netstat prints it: a service's name, or the number; * for 0.
---@param protocol string  "tcp", "udp" or "raw": where names are looked up
function names.port(port, protocol, numeric)
  if port == 0 then
    return "*"
  end
  local name = not numeric and services[protocol][port]
  return name and escape.dots(sub(name, 1, 63)) or tostring(port)
end

local LIMIT, PORT_LIMIT, WIDE_LIMIT = 22, 18, 127

-- A cut within a character leaves bytes that are none.
local function cut(text, length)
  return #text <= length and text or escape.dots(sub(text, 1, length))
end

--- Host and port in 23 bytes: the host is cut, the port only beyond 18.
function names.endpoint(host, port, wide)
  if wide then
    return cut(host .. ":" .. port, WIDE_LIMIT)
  elseif #host + #port <= LIMIT then
    return host .. ":" .. port
  end
  local length = min(#port, PORT_LIMIT)
  return cut(host, LIMIT - length) .. ":" .. cut(port, length)
end

local users = cache(function(uid)
  return core.user(uid) or false
end)

--- A user: its name, or the number, signed as netstat prints it.
function names.user(uid, numeric)
  local name = not numeric and users[uid]
  return name and escape.dots(name) or tostring(bit.tobit(uid))
end

--- An inode in full, whatever its size.
---@param inode ffi.cdata*|number  uint64_t
function names.inode(inode)
  local number = tonumber(inode)
  if number < 2 ^ 53 then
    return ("%.0f"):format(number)
  end
  return (tostring(ffi.cast("uint64_t", inode)):gsub("ULL$", ""))
end

-- netstat reads this much of a command line, and shows this much of an owner.
local CMDLINE_READ, OWNER_SHOWN = 511, 19
local NO_CMDLINE, OLD_LINK = C.SOCKQ_PROCESS_NO_CMDLINE, C.SOCKQ_OWNER_OLD_LINK
local MOST = 0xffffffffffffffffULL

local function process_text(set, process)
  local cmdline = schema.text(set, process.cmdline, process.cmdline_len) or ""
  local name = cmdline:sub(1, CMDLINE_READ):match("^%Z*")
  if name:sub(1, 1) == "/" then
    name = name:match("[^/]*$")
  end
  return escape.dots((process.pid .. "/" .. name):sub(1, OWNER_SHOWN))
end

local processes = {}

--- Forget what was cached of processes; call it before a new row set is read.
function names.new_listing()
  processes = {}
end

--- The owner column: PID/NAME of the first process whose command line could be read, or "-".
--- Links "socket:[N]" with a one-digit inode are not recognised by netstat.
---@param row ffi.cdata*  sockq_row
---@param set ffi.cdata*  sockq_set_handle
function names.owner(row, set)
  local inode = row.inode
  if schema.has(row.flags, C.SOCKQ_ROW_NO_OWNER) then
    return "-"
  end
  local offset = inode == 0 and set.set.owners.zero or row.owner
  local owner = schema.owner(set, offset)
  if not owner or inode == MOST then
    return "-"
  end
  while owner do
    local process = schema.process(set, owner.process)
    if not schema.has(process.flags, NO_CMDLINE) and (inode > 9 or schema.has(owner.flags, OLD_LINK)) then
      local key = tonumber(owner.process)
      local text = processes[key]
      if not text then
        text = process_text(set, process)
        processes[key] = text
      end
      return text
    end
    owner = schema.owner(set, owner.next)
  end
  return "-"
end

return names
