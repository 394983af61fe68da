-- The C structs of src/row.h and src/lua/handle.h, and what every reader of them needs: the
-- constants by their C names and the way from an arena offset to memory.

local ffi = require("ffi")
local core = require("sockq.core")

for _, header in ipairs({ "src/row.h", "src/lua/handle.h" }) do
  local text = "\n" .. core.embedded(header)
  ffi.cdef((text:gsub("\n#[^\n]*", "\n")))
end

local schema = {}

--- The C namespace: schema.C.SOCKQ_TCP and all other enum constants of row.h.
schema.C = ffi.C

schema.row_handle = ffi.typeof("struct sockq_row_handle *")
schema.set_handle = ffi.typeof("struct sockq_set_handle *")

local cast, floor = ffi.cast, math.floor
local BLOCK = 1048576
local BLOCK_ROWS = BLOCK / ffi.sizeof("struct sockq_row")
schema.BLOCK_ROWS = BLOCK_ROWS

local row_pointer = ffi.typeof("const struct sockq_row *")
local owner_pointer = ffi.typeof("const struct sockq_owner *")
local process_pointer = ffi.typeof("const struct sockq_process *")
local holder_pointer = ffi.typeof("const struct sockq_holder *")
local address_pointer = ffi.typeof("const struct sockq_address *")
local problem_pointer = ffi.typeof("const struct sockq_problem *")
local netns_pointer = ffi.typeof("const struct sockq_netns *")
local fact_pointer = ffi.typeof("const struct sockq_fact *")
local diag_pointer = ffi.typeof("const struct sockq_diag *")
local unix_diag_pointer = ffi.typeof("const struct sockq_unix_diag *")
local netlink_diag_pointer = ffi.typeof("const struct sockq_netlink_diag *")
local packet_diag_pointer = ffi.typeof("const struct sockq_packet_diag *")
local tipc_diag_pointer = ffi.typeof("const struct sockq_tipc_diag *")
local xdp_diag_pointer = ffi.typeof("const struct sockq_xdp_diag *")
local line_pointer = ffi.typeof("const struct sockq_line *")
local cgroup_pointer = ffi.typeof("const struct sockq_cgroup *")

--- The first row of the block that holds row `index` (from 0) of a set.
---@param set ffi.cdata*  sockq_set_handle
function schema.rows_at(set, index)
  local block = set.set.row_blocks[floor(index / BLOCK_ROWS)]
  return cast(row_pointer, set.map + block * BLOCK)
end

--- The memory at an arena offset of a set; nil for offset 0.
---@param offset ffi.cdata*|number
local function at(set, offset)
  local n = tonumber(offset)
  if n == 0 then
    return nil
  end
  return set.map + (set.set.arena_blocks[floor(n / BLOCK)] * BLOCK + n % BLOCK)
end

schema.at = at

local function typed(pointer)
  return function(set, offset)
    local memory = at(set, offset)
    return memory and cast(pointer, memory)
  end
end

schema.owner = typed(owner_pointer)
schema.process = typed(process_pointer)
schema.holder = typed(holder_pointer)
schema.address = typed(address_pointer)
schema.problem = typed(problem_pointer)
schema.netns = typed(netns_pointer)
schema.fact = typed(fact_pointer)
schema.diag = typed(diag_pointer)
schema.unix_diag = typed(unix_diag_pointer)
schema.netlink_diag = typed(netlink_diag_pointer)
schema.packet_diag = typed(packet_diag_pointer)
schema.tipc_diag = typed(tipc_diag_pointer)
schema.xdp_diag = typed(xdp_diag_pointer)
schema.cgroup = typed(cgroup_pointer)
schema.line = typed(line_pointer)

--- Text in the arena; nil for offset 0.
---@return string|nil
function schema.text(set, offset, length)
  local memory = at(set, offset)
  return memory and ffi.string(memory, length)
end

--- A bit of a small mask is set. Masks are plain numbers here: no 64-bit values.
function schema.has(mask, flag)
  return bit.band(mask, flag) ~= 0
end

return schema
