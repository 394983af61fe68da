-- Paths of cgroups by the ids that sock_diag tells.

local escape = require("sockq.escape")
local schema = require("sockq.schema")

local cgroups = {}

-- Of one row set: paths by id, and where the newest entry is that was read. More come with the rows, each in
-- front of those that are there.
local serial, paths, newest

local function read(set)
  local offset = set.set.cgroups
  local known = newest
  newest = offset
  while offset ~= known do
    local entry = schema.cgroup(set, offset)
    if not entry then
      return
    end
    paths[tonumber(entry.id)] = escape.octal(schema.text(set, entry.path, entry.path_len) or "/")
    offset = entry.next
  end
end

--- A cgroup's path below the mount, as ss writes it where it finds none, too.
---@param set ffi.cdata*  sockq_set_handle
---@param id ffi.cdata*   uint64_t
---@return string
function cgroups.path(set, id)
  if set.serial ~= serial then
    serial, paths, newest = set.serial, {}, 0ULL
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
