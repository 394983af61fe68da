-- Which row of one look is which row of another: the same socket, or the same group.

local ffi = require("ffi")
local netns = require("sockq.netns")
local record = require("sockq.record")
local structs = require("sockq.schema")

local identity = {}

local concat = table.concat
local C, has = structs.C, structs.has
local cast, text_of, bytes = ffi.cast, ffi.string, ffi.typeof("const char *")

-- Both addresses stand side by side in a row, and so do both ports and the table.
local ADDRESS_BYTES, PORTS_BYTES, INODE_BYTES = 32, 5, 8
local PORTS_AT, INODE_AT = ffi.offsetof("struct sockq_row", "local_port"), ffi.offsetof("struct sockq_row", "inode")
assert(ffi.offsetof("struct sockq_row", "remote_addr") == 16 and ffi.offsetof("struct sockq_row", "local_addr") == 0)
assert(ffi.offsetof("struct sockq_row", "table") == PORTS_AT + 4)

-- A field's value in a key; unknown is not the empty text.
local function part(value)
  if value == nil then
    return "-"
  elseif type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = type(item) == "table" and concat({ part(item.pid), part(item.fd) }, "/") or part(item)
    end
    return concat(parts, ",")
  elseif type(value) == "number" then
    return ("%.17g"):format(value)
  end
  return tostring(value)
end

-- Sockets: the kernel gives an inode to one socket at a time, and the addresses tell two apart that
-- had the same number one after the other, in the same namespace. Unix, netlink and packet sockets have no addresses.
local function of_socket(row)
  local pointer = cast(structs.row_handle, row).row
  local base
  if has(pointer.known, C.SOCKQ_HAS_ADDRS) then
    base = text_of(pointer.local_addr, ADDRESS_BYTES) .. text_of(cast(bytes, pointer) + PORTS_AT, PORTS_BYTES)
  elseif row.family == "unix" then
    base = "unix|" .. part(row.path)
  else
    base = concat({ row.proto, part(row.protocol), part(row.port_id), part(row.ifindex) }, "|")
  end
  base = base .. netns.id(cast(structs.row_handle, row).set, pointer.netns)
  if pointer.inode == 0 or not has(pointer.known, C.SOCKQ_HAS_INODE) then
    return base, base
  end
  return base .. text_of(cast(bytes, pointer) + INODE_AT, INODE_BYTES), base
end

local function is_name(entry)
  return entry.type == "string" or entry.type == "boolean" or entry.identifies
end

-- Names of the fields that tell rows of a schema apart: the keys of a group; of other rows words and
-- numbers that are names, or every field where there is none of them.
local function keys_of(schema)
  local keys, names, all = {}, {}, {}
  for _, entry in ipairs(schema.list) do
    all[#all + 1] = entry.name
    if entry.role == "key" then
      keys[#keys + 1] = entry.name
    elseif entry.role == nil and is_name(entry) then
      names[#names + 1] = entry.name
    end
  end
  for _, entry in ipairs(schema.list) do
    if entry.role ~= nil then
      -- A group without keys is one row.
      return keys
    end
  end
  return #names > 0 and names or all
end

local known = setmetatable({}, { __mode = "k" })

local function of_record(row)
  local schema = record.schema_of(row)
  local names = known[schema]
  if not names then
    names = keys_of(schema)
    known[schema] = names
  end
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = part(row[name])
  end
  local key = concat(parts, "|")
  return key, key
end

--- The identity of a row: equal for the same socket or group in two looks or recordings.
---@param row sockq.Row
---@return string key   # of any bytes; two rows of one look may share it: rows whose inode is unknown, say
---@return string base  # without the inode: a socket in TIME_WAIT is known by its addresses alone
function identity.of(row)
  if type(row) == "userdata" then
    return of_socket(row)
  end
  return of_record(row)
end

--- An entry for each row, in the form that pair() takes.
---@param rows sockq.Row[]  rows that are kept
---@return { row: sockq.Row, key: string, base: string, bare: boolean }[]
function identity.entries(rows)
  local entries, seen = {}, {}
  for i, row in ipairs(rows) do
    local key, base = identity.of(row)
    local count = (seen[key] or 0) + 1
    seen[key] = count
    entries[i] = { row = row, key = count > 1 and key .. "#" .. count or key, base = base, bare = key == base }
  end
  return entries
end

--- Pair the entries of two looks: each entry of `is` gets `was`, its entry of the look before or nil;
--- each entry of `was` gets `gone`, true if it has none in `is`. An inode that became known or unknown
--- makes no other socket.
---@param was table[]
---@param is table[]
function identity.pair(was, is)
  local by_key = {}
  for _, entry in ipairs(was) do
    by_key[entry.key] = entry
    -- Nothing older is kept alive.
    entry.gone, entry.was = true, nil
  end
  local left = {}
  for _, entry in ipairs(is) do
    local before = by_key[entry.key]
    entry.was = before
    if before then
      before.gone = false
    else
      left[#left + 1] = entry
    end
  end
  local by_base = {}
  for _, entry in ipairs(was) do
    if entry.gone and not by_base[entry.base] then
      by_base[entry.base] = entry
    end
  end
  for _, entry in ipairs(left) do
    local before = by_base[entry.base]
    if before and before.gone and (before.bare or entry.bare) then
      entry.was = before
      before.gone = false
    end
  end
end

return identity
