-- What -e, -m, --tos, --cgroup and --inet-sockopt show of an inet socket of sock_diag.

local cgroups = require("sockq.ss.cgroups")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")

local C = schema.C

local details = {}

local band = bit.band
local tonumber = tonumber
local INET6 = tonumber(C.SOCKQ_AF_INET6)
local WORD = 0x100000000ULL
local HAS_V6ONLY, HAS_SHUTDOWN = tonumber(C.SOCKQ_DIAG_HAS_V6ONLY), tonumber(C.SOCKQ_DIAG_HAS_SHUTDOWN)
local HAS_TOS, HAS_TCLASS = tonumber(C.SOCKQ_DIAG_HAS_TOS), tonumber(C.SOCKQ_DIAG_HAS_TCLASS)
local HAS_CGROUP = tonumber(C.SOCKQ_DIAG_HAS_CGROUP)
local HAS_CLASS, HAS_SOCKOPT = tonumber(C.SOCKQ_DIAG_HAS_CLASS), tonumber(C.SOCKQ_DIAG_HAS_SOCKOPT)

--- Write which sides are shut down: bit 0 receives, bit 1 sends.
function details.put_shutdown(bytes, at, shutdown)
  bytes[at] = 32
  bytes[at + 1] = band(shutdown, 1) ~= 0 and 45 or 60
  bytes[at + 2] = 45
  bytes[at + 3] = band(shutdown, 2) ~= 0 and 45 or 62
  return at + 4
end

--- Write the user, inode and cookie. Of the inode ss keeps 32 bits.
function details.put_identity(bytes, at, uid, inode, cookie)
  if uid ~= 0 then
    at = text.field(bytes, at, " uid:", uid)
  end
  at = text.field(bytes, at, " ino:", inode % WORD)
  return (text.hex(bytes, text.put(bytes, at, " sk:"), cookie))
end

--- Write the path of a socket's cgroup.
function details.put_cgroup(bytes, at, more, set)
  if band(more.has, HAS_CGROUP) == 0 then
    return at
  end
  local id = more.cgroup_id
  return (text.put(bytes, text.put(bytes, at, " cgroup:"), cgroups.path(set, id)))
end

--- Write the pieces of -e.
---@param more ffi.cdata*  sockq_diag
function details.write(bytes, at, row, more, set)
  at = details.put_identity(bytes, at, row.uid, row.inode, more.cookie)
  if more.mark ~= 0 then
    at = text.hex(bytes, text.put(bytes, at, " fwmark:0x"), more.mark)
  end
  if more.cgroup_id ~= 0 then
    at = details.put_cgroup(bytes, at, more, set)
  end
  local has = row.diag.has
  if row.family == INET6 and band(has, HAS_V6ONLY) ~= 0 then
    at = text.field(bytes, at, " v6only:", row.diag.v6only)
  end
  if band(has, HAS_SHUTDOWN) ~= 0 then
    at = details.put_shutdown(bytes, at, row.diag.shutdown)
  end
  return at
end

--- Write the pieces of --tos.
function details.put_tos(bytes, at, more)
  local has = more.has
  if band(has, HAS_TOS) ~= 0 then
    at = text.prefixed_hex(bytes, text.put(bytes, at, " tos:"), more.tos)
  end
  if band(has, HAS_TCLASS) ~= 0 then
    at = text.prefixed_hex(bytes, text.put(bytes, at, " tclass:"), more.tclass)
  end
  if band(has, HAS_CLASS) ~= 0 then
    at = text.prefixed_hex(bytes, text.put(bytes, at, " class_id:"), more.class_id)
  end
  return at
end

-- struct inet_diag_sockopt, bit by bit.
local SOCKOPTS = { "recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag",
  "bind_addr_no_port", "recverr_rfc4884", "defer_connect" }

local sockopt_texts = setmetatable({}, {
  __index = function(known, bits)
    local words = {}
    for i, word in ipairs(SOCKOPTS) do
      words[#words + 1] = band(bits, bit.lshift(1, i - 1)) ~= 0 and " " .. word or nil
    end
    known[bits] = table.concat(words) .. ")"
    return known[bits]
  end,
})

--- Write the piece of --inet-sockopt.
function details.put_sockopt(bytes, at, more, oneline)
  if band(more.has, HAS_SOCKOPT) == 0 then
    return at
  end
  at = text.put(bytes, at, oneline and " inet-sockopt: (" or "\n\tinet-sockopt: (")
  return (text.put(bytes, at, sockopt_texts[band(more.sockopt, 0x7ff)]))
end

--- Write the memory of a socket; nothing where the kernel did not send it.
---@param memory ffi.cdata*  sockq_memory
function details.put_memory(bytes, at, memory)
  if memory.count == 0 then
    return at
  end
  at = text.field(bytes, at, " skmem:(r", memory.rmem_alloc)
  at = text.field(bytes, at, ",rb", memory.rcvbuf)
  at = text.field(bytes, at, ",t", memory.wmem_alloc)
  at = text.field(bytes, at, ",tb", memory.sndbuf)
  at = text.field(bytes, at, ",f", memory.fwd_alloc)
  at = text.field(bytes, at, ",w", memory.wmem_queued)
  at = text.field(bytes, at, ",o", memory.optmem)
  if memory.count > 7 then
    at = text.field(bytes, at, ",bl", memory.backlog)
  end
  if memory.count > 8 then
    at = text.field(bytes, at, ",d", memory.drops)
  end
  return (text.put(bytes, at, ")"))
end

return details
