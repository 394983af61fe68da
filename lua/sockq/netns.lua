-- Network namespaces of a row set: what a row's number of one stands for.

local schema = require("sockq.schema")

local tonumber = tonumber

local netns = {}

-- What two row sets say: rows come by the thousand from one, those of a join from two.
local known, other = {}, {}

local function name_of(set, entry)
  local name = schema.text(set, entry.name, entry.name_len)
  if name then
    return name
  end
  local program = schema.text(set, entry.program, entry.program_len)
  return entry.first ~= 0 and program and entry.first .. "/" .. program or nil
end

local function inode_of(holder, member)
  local inode = tonumber(holder[member])
  return inode ~= 0 and inode or nil
end

local function read(set)
  local header = set.set
  known = { header = header, clock = header.monotonic_ns, names = {}, inodes = {}, entries = {}, ids = {} }
  local number, entry = 0, schema.netns(set, header.namespaces)
  if not entry then
    known.inodes[0], known.ids[0] = inode_of(header, "netns"), ""
  end
  while entry do
    local inode = inode_of(entry, "inode")
    known.entries[number], known.names[number], known.inodes[number] = entry, name_of(set, entry), inode
    -- Only the reader's own is read through /proc/net.
    known.ids[number] = entry.pid == 0 and "" or "@" .. (inode or -1 - entry.first)
    number, entry = number + 1, schema.netns(set, entry.next)
  end
  known.count = number
end

-- Another row set may stand where one stood: its clock tells.
local function of_set(set)
  if known.header ~= set.set or known.clock ~= set.set.monotonic_ns then
    known, other = other, known
    if known.header ~= set.set or known.clock ~= set.set.monotonic_ns then
      read(set)
    end
  end
  return known
end

--- The readable name of a namespace; nil if it is not known.
---@param set ffi.cdata*  sockq_set_handle
---@param number integer  row.netns
---@return string|nil
function netns.name(set, number)
  return of_set(set).names[number]
end

--- The inode of a namespace; nil if it is not known.
---@return integer|nil
function netns.inode(set, number)
  return of_set(set).inodes[number]
end

--- What tells the sockets of a namespace from those of others, also in other row sets: "" for the
--- reader's own.
---@return string
function netns.id(set, number)
  return of_set(set).ids[number]
end

--- True if a namespace is the reader's own, whose devices and settings this machine's commands show.
---@return boolean
function netns.is_own(set, number)
  return of_set(set).ids[number] == ""
end

--- The entry of a namespace, and how many there are; nil where only that of the reader was read.
---@return ffi.cdata*|nil entry  # sockq_netns
---@return integer count
function netns.entry(set, number)
  local all = of_set(set)
  return all.entries[number], all.count
end

return netns
