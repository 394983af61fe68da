-- What a process's cgroup says: its systemd unit, its container and pod. Pure functions of the text of
-- /proc/PID/cgroup, lines "ID:CONTROLLERS:PATH" (cgroups(7)).
--
-- A path is what a manager called its folders, and whoever may make cgroups may choose any name: ids
-- must have the exact form that a runtime gives them, else there is no container. Of nested ones the
-- innermost counts: it is the one whose files and addresses the process has. Sources of the forms:
-- tests/data/cgroup/README.

local cgroup = {}

-- The part of an id that docker ps and podman ps show; every runtime's tools take it for the id.
local SHORT = 12

-- Names before the id in "NAME-ID.scope", "SLICE:NAME:ID" and "/NAME/ID".
local RUNTIMES = {
  docker = "docker", libpod = "podman", ["libpod-payload"] = "podman", crio = "cri-o", ["cri-containerd"] = "containerd",
  containerd = "containerd", nerdctl = "containerd", buildkit = "buildkit",
}
-- Folders that hold containers by their bare ids; containerd's are its namespaces.
local PARENTS = { docker = "docker", libpod_parent = "podman", default = "containerd", ["k8s.io"] = "containerd" }

--- Every runtime that a path can tell of.
cgroup.RUNTIMES = { "docker", "podman", "containerd", "cri-o", "buildkit", "lxc", "libvirt-lxc", "systemd-nspawn", "garden" }

-- The short form of a runtime's id: 64 hexadecimal digits.
local function short_id(text)
  if #text == 64 and not text:find("[^0-9a-f]") then
    return text:sub(1, SHORT)
  end
end

-- Systemd's escapes in unit names, \x2d for - (systemd.unit(5)).
local function unescape(text)
  return (text:gsub("\\x(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local UID = "^" .. ("%x"):rep(8) .. ("[-_]" .. ("%x"):rep(4)):rep(3) .. "[-_]" .. ("%x"):rep(12) .. "$"

-- A pod's uid with dashes; of static pods it is 32 digits (kubelet, config hash).
local function pod_uid(text)
  if text:find(UID) or #text == 32 and not text:find("%X") then
    return (text:gsub("_", "-"))
  end
end

-- The pod of a folder: "podUID" below kubepods, "…kubepods-burstable-podUID.slice", podman's
-- "libpod_pod_ID" and "machine-libpod_pod_ID.slice".
local function pod_of(segment, below_kubepods)
  -- The kernel's longest name.
  if #segment > 255 then
    return nil
  end
  local uid = below_kubepods and segment:match("^pod([^.]+)$") or segment:match("kubepods.*%-pod([^-][^.]*)%.slice")
  if uid then
    return pod_uid(uid)
  end
  local id = segment:match("^libpod_pod_(%x+)$") or segment:match("libpod_pod_(%x+)%.slice$")
  return id and short_id(id)
end

local NAME = "^[%w_][%w_.-]*$"

-- A machine of systemd-machined: "machine-NAME.scope"; libvirt's are virtual machines, or its own lxc.
local function machine_of(segment)
  local name = segment:match("^machine%-(.+)%.scope$")
  local runtime = "systemd-nspawn"
  if name then
    name = unescape(name)
    if name:find("^qemu%-%d+%-") or name:find("^xen%-%d+%-") then
      return nil
    elseif name:find("^lxc%-%d+%-.") then
      name, runtime = name:match("^lxc%-%d+%-(.+)$"), "libvirt-lxc"
    end
  else
    name = segment:match("^systemd%-nspawn@(.+)%.service$")
    name = name and unescape(name)
  end
  if name and name:find(NAME) then
    return name, runtime
  end
end

-- The container whose folder this is: its name, and the runtime if the path tells.
local function container_of(segments, i)
  local segment, parent, before = segments[i], segments[i - 1], segments[i - 2]
  local name, id = segment:match("^([%l-]+)%-(%x+)$")
  if not name then
    name, id = segment:match("^([%l-]+)%-(%x+)%.scope$")
  end
  if not name then
    name, id = segment:match("^[^:]*%.slice:([%l-]+):(%x+)$")
  end
  id = id and RUNTIMES[name] and short_id(id)
  if id then
    return id, RUNTIMES[name]
  end
  id = short_id(segment)
  if id then
    return id, PARENTS[parent] or segments[1] == "ecs" and "docker" or nil
  elseif segment:find("^lxc%.payload%..") then
    name = segment:sub(13)
    if name:find(NAME) then
      return name, "lxc"
    end
  elseif parent == "lxc.payload" or parent == "lxc" and (i == 2 or before == "ns") then
    if segment:find(NAME) then
      return segment, "lxc"
    end
  elseif parent == "buildkit" and #segment == 25 and not segment:find("[^0-9a-z]") then
    return segment, "buildkit"
  elseif before == "ecs" and segment:find("^%x+%-%d+$") and #segment:match("^%x+") == 32 then
    -- On Fargate every container of a task begins with the task's id.
    return segment, "containerd"
  elseif parent == "garden" and segment:find("^%x+%-%x+%-%x+%-%x+%-%x+$") then
    return segment, "garden"
  elseif segments[i + 1] ~= "supervisor" then
    return machine_of(segment)
  end
end

-- Kinds of units that have processes in folders of theirs.
local KINDS = { service = true, scope = true, socket = true, mount = true, swap = true }

-- The unit that a folder is called after (systemd, cg_path_decode_unit: a _ before a name that the
-- kernel could use is no part of it).
local function unit_name(segment)
  local name = segment and segment:gsub("^_", "")
  local kind = name and #name < 256 and name:match("^[%w:_.\\-][%w:_.\\@-]*%.(%l+)$")
  if kind and KINDS[kind] and not name:find("@.", 1, true) then
    return name
  end
end

local function skip_slices(segments, i)
  while segments[i] and segments[i]:find("^[%w:_.\\-]+%.slice$") do
    i = i + 1
  end
  return i
end

-- The unit that is reached from a folder on, as systemd's cg_path_get_unit and cg_path_get_user_unit
-- say: the first name behind the slices; behind a user's manager that manager's unit.
local function unit_from(segments, i)
  i = skip_slices(segments, i)
  local unit = unit_name(segments[i])
  if unit and (unit:find("^user@%d+%.service$") or unit:find("^capsule@.+%.service$")) then
    local of_user = unit_name(segments[skip_slices(segments, i + 1)])
    -- The manager itself.
    if of_user and of_user ~= "init.scope" then
      return of_user
    end
  end
  return unit
end

-- Folders that runtimes put between a container and what its own systemd makes.
local BETWEEN = { container = true, payload = true, ns = true }

local function read_path(path)
  local segments = {}
  -- Above the root of a cgroup namespace: how far is all that is told.
  path = path:gsub(" %(deleted%)$", ""):gsub("^[/.]*%.%./", "/")
  for segment in path:gmatch("[^/]+") do
    segments[#segments + 1] = segment
  end
  local facts, starts, below_kubepods = {}, { 1 }, false
  for i, segment in ipairs(segments) do
    facts.pod = pod_of(segment, below_kubepods) or facts.pod
    below_kubepods = below_kubepods or segment:find("kubepods", 1, true) ~= nil
    local container, runtime = container_of(segments, i)
    if container then
      facts.container, facts.runtime = container, runtime
      starts[#starts + 1] = BETWEEN[segments[i + 1]] and i + 2 or i + 1
    end
  end
  -- A systemd in a container knows better than the one outside.
  for i = #starts, 1, -1 do
    facts.unit = facts.unit or unit_from(segments, starts[i])
  end
  return facts
end

local NOTHING = {}

-- The lines in the order in which they are believed: the unified hierarchy, systemd's own, the others.
local function paths_of(text)
  local list, unified, systemd = {}, nil, nil
  for line in text:gmatch("[^\n]+") do
    local controllers, path = line:match("^%d+:([^:]*):(/.*)$")
    if path and controllers == "" then
      unified = unified or path
    elseif path and controllers == "name=systemd" then
      systemd = systemd or path
    elseif path then
      list[#list + 1] = path
    end
  end
  if systemd then
    table.insert(list, 1, systemd)
  end
  if unified then
    table.insert(list, 1, unified)
  end
  return list
end

local function read(text)
  local with_unit
  for _, path in ipairs(paths_of(text)) do
    local facts = read_path(path)
    if facts.container or facts.pod then
      return facts
    end
    with_unit = with_unit or facts.unit and facts
  end
  return with_unit or NOTHING
end

-- Once a process, in the midst of a loop over rows: compiled it would become a part of that.
jit.off(read, true)

-- Many processes have one text; a live view sees ever new ones.
local MOST_TEXTS = 4096
local known, count = {}, 0

--- What a cgroup's text says. All is from one line: the first that tells of a container or pod, else
--- the first that tells of a unit; v2's line comes first, then systemd's.
---@param text string  the bytes of /proc/PID/cgroup
---@return table facts  # { unit, container, runtime, pod }, each a string or nil; not to be changed
function cgroup.facts(text)
  local facts = known[text]
  if not facts then
    if count == MOST_TEXTS then
      known, count = {}, 0
    end
    facts = read(text)
    known[text], count = facts, count + 1
  end
  return facts
end

return cgroup
