-- Rows of packet sockets.

local cells = require("sockq.ss.cells")
local details = require("sockq.ss.details")
local names = require("sockq.ss.names")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local packet = {}

local RAW = 3

local band, rshift = bit.band, bit.rshift
local cast = require("ffi").cast
local C = schema.C
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local HAS_INFO, HAS_FILTER = tonumber(C.SOCKQ_DIAG_HAS_INFO), tonumber(C.SOCKQ_DIAG_HAS_FILTER)
local HAS_RX_RING, HAS_TX_RING = tonumber(C.SOCKQ_DIAG_HAS_RX_RING), tonumber(C.SOCKQ_DIAG_HAS_TX_RING)
local HAS_FANOUT = tonumber(C.SOCKQ_DIAG_HAS_FANOUT)

-- PDI_* of include/uapi/linux/packet_diag.h, and kinds of fanout.
local FLAGS = { { 1, "running" }, { 2, " auxdata" }, { 4, " origdev" }, { 8, " vnethdr" }, { 16, " loss" } }
local FANOUTS = { [0] = "hash", "lb", "cpu", "roll", "random", "qm" }

local function put_flags(flags)
  local words = {}
  for _, flag in ipairs(FLAGS) do
    words[#words + 1] = band(flags, flag[1]) ~= 0 and flag[2] or nil
  end
  return flags == 0 and "0" or table.concat(words)
end

local function ring_text(name, ring)
  return ("%s(blk_size:%d,blk_nr:%d,frm_size:%d,frm_nr:%d,tmo:%d,features:0x%x)"):format(name, ring.block_size,
    ring.block_nr, ring.frame_size, ring.frame_nr, ring.retire_tmo, ring.features)
end

-- The lines of -e, which ss begins with a line feed and a tab, or a blank.
local function lines_of(more)
  local list = {}
  if band(more.has, HAS_INFO) ~= 0 then
    list[1] = ("ver:%d cpy_thresh:%d flags( %s )"):format(more.version, more.copy_thresh, put_flags(more.flags))
  end
  if band(more.has, HAS_RX_RING) ~= 0 then
    list[#list + 1] = ring_text("ring_rx", more.rx_ring)
  end
  if band(more.has, HAS_TX_RING) ~= 0 then
    list[#list + 1] = ring_text("ring_tx", more.tx_ring)
  end
  if band(more.has, HAS_FANOUT) ~= 0 then
    local kind = rshift(more.fanout, 16)
    list[#list + 1] = ("fanout(id:%d,type:%s)"):format(band(more.fanout, 0xffff), FANOUTS[kind] or ("0x%x"):format(kind))
  end
  return list
end

local function put_details(bytes, at, row, more, separator)
  at = details.put_identity(bytes, at, row.uid, row.inode, more and more.cookie or 0)
  if more then
    for _, line in ipairs(lines_of(more)) do
      at = text.put(bytes, text.put(bytes, at, separator), line)
    end
  end
  return at
end

-- A classic filter: struct sock_filter, eight bytes an instruction.
local function put_filter(bytes, at, more, set, separator)
  if band(more.has, HAS_FILTER) == 0 then
    return at
  end
  local count = math.floor(more.filter_len / 8)
  at = text.put(bytes, at, ("%sbpf filter (%d): "):format(separator, count))
  local code = count > 0 and cast("const uint8_t *", schema.at(set, more.filter))
  for i = 0, count - 1 do
    local one = code + i * 8
    at = text.put(bytes, at, (" 0x%02x %d %d %d,"):format(cast("const uint16_t *", one)[0], one[2], one[3],
      cast("const uint32_t *", one + 4)[0]))
  end
  return at
end

-- What sock_diag told besides; nil for a row of text.
local function more_of(row, set)
  return band(row.flags, DIAG) ~= 0 and schema.packet_diag(set, row.more) or nil
end

local function process_cell(show)
  local wants_users, wants_details = show.processes or show.threads, show.extended
  local wants_filter, wants_memory = show.bpf, show.memory
  local separator = show.oneline and " " or "\n\t"
  if not (wants_users or wants_details or wants_filter or wants_memory) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    local more = more_of(row, set)
    if wants_details then
      at = put_details(bytes, at, row, more, separator)
    end
    if more and wants_filter then
      at = put_filter(bytes, at, more, set, separator)
    end
    if more and wants_memory then
      at = details.put_memory(bytes, at, more.memory)
    end
    return at
  end
end

--- The cells of packet rows.
---@param show table  of the plan
---@return table<string, function>
function packet.cells(show)
  local numeric = show.numeric
  return {
    netid = function(bytes, at, row)
      return (text.put(bytes, at, row.packet.type == RAW and "p_raw" or "p_dgr"))
    end,
    state = cells.constant("UNCONN"),
    recv_q = cells.recv_q,
    send_q = cells.constant("0     "),
    local_address = function(bytes, at, row)
      at = text.put(bytes, at, names.ethernet(row.packet.protocol, numeric))
      bytes[at] = 58
      return at + 1
    end,
    local_port = function(bytes, at, row)
      local index = row.packet.ifindex
      return (text.put(bytes, at, index == 0 and "*" or names.device[index]))
    end,
    peer_address = cells.constant("*"),
    peer_port = cells.nothing,
    process = process_cell(show),
  }
end

return packet
