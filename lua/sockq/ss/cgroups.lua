-- Paths of cgroups by the ids that sock_diag tells.

local escape = require("sockq.escape")
local schema = require("sockq.schema")

local cgroups = {}

-- Of one row set: paths by id, and the entry that was read last. More come with the rows.
local serial, paths, last

-- Read on; rows that are there have their cgroups before them.
local function read(set)
  local offset = last and last.next or set.set.cgroups
  local entry = schema.cgroup(set, offset)
  while entry do
    paths[tonumber(entry.id)] = escape.octal(schema.text(set, entry.path, entry.path_len) or "/")
    last = entry
    entry = schema.cgroup(set, entry.next)
  end
end

--- A cgroup's path below the mount, as ss writes it where it finds none, too.
---@param set ffi.cdata*  sockq_set_handle
---@param id ffi.cdata*   uint64_t
---@return string
function cgroups.path(set, id)
  if set.serial ~= serial then
    serial, paths, last = set.serial, {}, nil
  end
  local number = tonumber(id)
  local path = paths[number]
  if not path then
    read(set)
    path = paths[number] or "unreachable:" .. bit.tohex(id):gsub("^0+(.)", "%1")
    paths[number] = path
  end
  return path
end

return cgroups
