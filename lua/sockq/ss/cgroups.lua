-- Paths of cgroups by the ids that sock_diag tells.

local escape = require("sockq.escape")
local schema = require("sockq.schema")

local cgroups = {}

local serial, paths

local function read(set)
  paths, serial = {}, set.serial
  local entry = schema.cgroup(set, set.set.cgroups)
  while entry do
    paths[tonumber(entry.id)] = escape.octal(schema.text(set, entry.path, entry.path_len) or "/")
    entry = schema.cgroup(set, entry.next)
  end
end

--- A cgroup's path below the mount, as ss writes it where it finds none, too.
---@param set ffi.cdata*  sockq_set_handle
---@param id ffi.cdata*   uint64_t
---@return string
function cgroups.path(set, id)
  if set.serial ~= serial then
    read(set)
  end
  local number = tonumber(id)
  local path = paths[number]
  if not path then
    path = "unreachable:" .. bit.tohex(id):gsub("^0+(.)", "%1")
    paths[number] = path
  end
  return path
end

return cgroups
