-- What ss shows of SCTP: a row for each association below that of its socket, lists of addresses, and the
-- numbers of struct sctp_info.

local ffi = require("ffi")
local address = require("sockq.address")
local cells = require("sockq.ss.cells")
local names = require("sockq.ss.names")
local schema = require("sockq.schema")
local states = require("sockq.sctp").states
local text = require("sockq.ss.text")

local C = schema.C

local sctp = {}

local band = bit.band
local tonumber, min = tonumber, math.min
local INET, INET6 = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6)
local IS_ASSOC = tonumber(C.SOCKQ_DIAG_IS_ASSOC)

-- Two are spelled another way.
local STATES = setmetatable({ [3] = "ESTAB", [7] = "ACK_SENT" }, { __index = states })

local function told_state(row)
  return band(row.diag.has, IS_ASSOC) ~= 0 and row.diag.assoc_state or row.state
end

--- Change the cells of inet rows to those of SCTP. ss takes a row for an association if it has the inode of the
--- one that was shown before it.
---@param made table<string, function>
---@return table<string, function>
function sctp.cells(made)
  local before = 0
  local write_process = made.process
  local function is_assoc(row)
    return before ~= 0 and tonumber(row.inode) == before
  end
  function made.netid(bytes, at, row)
    return is_assoc(row) and at or text.put(bytes, at, "sctp")
  end
  function made.state(bytes, at, row)
    local number = told_state(row)
    if is_assoc(row) then
      return (text.put(bytes, at, "`- " .. (STATES[number] or "UNKNOWN")))
    end
    return (cells.put_state(bytes, at, number))
  end
  function made.process(bytes, at, row, set)
    before = tonumber(row.inode)
    return (write_process(bytes, at, row, set))
  end
  return made
end

-- struct sockaddr_storage
local ADDRESS, LONGEST = 128, 65535
local half_pointer = ffi.typeof("const uint16_t *")

-- The name of an address, or as it is written without brackets; nothing for other families.
local function address_text(bytes, resolve)
  local family = ffi.cast(half_pointer, bytes)[0]
  if family == INET then
    local written = address.text4(bytes + 4)
    return resolve and names.host4[written] or written
  elseif family ~= INET6 then
    return ""
  elseif resolve and address.is_mapped(bytes + 8) then
    return names.host4[address.text4(bytes + 20)] or address.text6(bytes + 8)
  end
  local written = address.text6(bytes + 8)
  return resolve and names.host6[written] or written
end

local function put_addresses(bytes, at, lead, from, length, resolve)
  local limit = at + LONGEST
  for i = 0, math.floor(length / ADDRESS) - 1 do
    -- Beyond the longest token nothing shows.
    if at > limit then
      break
    end
    at = text.put(bytes, at, i == 0 and lead or ",")
    at = text.put(bytes, at, address_text(from + i * ADDRESS, resolve))
  end
  return at
end

local SIZE = ffi.sizeof("struct sockq_sctp_info")
local numbers = ffi.new("struct sockq_sctp_info")

local FIRST = {
  { " rwnd:", "rwnd" }, { " unackdata:", "unackdata" }, { " penddata:", "penddata" }, { " instrms:", "instrms" },
  { " outstrms:", "outstrms" }, { " inqueue:", "inqueue" }, { " outqueue:", "outqueue" },
  { " overerr:", "overall_error" }, { " maxburst:", "max_burst" }, { " maxseg:", "maxseg" }, { " prwnd:", "peer_rwnd" },
}
local LAST = {
  { " pcapable:", "peer_capable" }, { " psack:", "peer_sack" }, { " autoclose:", "s_autoclose" },
  { " adapind:", "s_adaptation_ind" }, { " pdpoint:", "s_pd_point" }, { " nodelay:", "s_nodelay" },
  { " nofrag:", "s_disable_fragments" }, { " v4mapped:", "s_v4mapped" }, { " fraginl:", "s_frag_interleave" },
}

local function put_members(bytes, at, list)
  for _, one in ipairs(list) do
    local number = numbers[one[2]]
    if number ~= 0 then
      at = text.signed(bytes, text.put(bytes, at, one[1]), number)
    end
  end
  return at
end

local function put_numbers(bytes, at)
  if numbers.tag ~= 0 then
    at = text.hex(bytes, text.put(bytes, at, " tag:"), numbers.tag)
  end
  if numbers.state ~= 0 then
    at = text.put(bytes, at, " state:" .. (STATES[numbers.state] or "UNKNOWN"))
  end
  at = put_members(bytes, at, FIRST)
  if numbers.peer_tag ~= 0 then
    at = text.hex(bytes, text.put(bytes, at, " ptag:"), numbers.peer_tag)
  end
  return (put_members(bytes, at, LAST))
end

--- Write the pieces of -i and, with the memory before them, of -m.
---@param more ffi.cdata*  sockq_diag
---@param resolve boolean|nil
function sctp.put_info(bytes, at, more, set, resolve)
  at = put_addresses(bytes, at, " locals:", schema.at(set, more.locals), more.locals_len, resolve)
  at = put_addresses(bytes, at, " peers:", schema.at(set, more.peers), more.peers_len, resolve)
  if more.info_len == 0 then
    return at
  end
  ffi.fill(numbers, SIZE)
  ffi.copy(numbers, schema.at(set, more.info), min(more.info_len, SIZE))
  return (put_numbers(bytes, at))
end

return sctp
