-- What confines sockq here: `sockq --version -v` and `sockq doctor --self`. Everything is what the kernel
-- says once all locks are set, but for Landlock, which has no words: there a file was tried.

local core = require("sockq.core")

local confinement = {}

-- { key = value } of a text of /proc/PID/status.
local function fields_of(text)
  local fields = {}
  for line in (text or ""):gmatch("[^\n]+") do
    local key, value = line:match("^([%w_]+):%s*(.-)%s*$")
    if key then
      fields[key] = value
    end
  end
  return fields
end

local MASKS = { { "CapInh", "inheritable" }, { "CapPrm", "permitted" }, { "CapEff", "effective" },
  { "CapBnd", "bounding set" }, { "CapAmb", "ambient" } }

-- Those that sockq may keep; include/uapi/linux/capability.h.
local NAMES = { [2] = "dac_read_search", [5] = "kill", [12] = "net_admin", [19] = "sys_ptrace", [21] = "sys_admin" }
local FEW = 6

-- "none", or the names of a mask in hexadecimal.
local function names_of(mask)
  local names, place = {}, #mask * 4
  for digit in mask:gmatch("%x") do
    place = place - 4
    for bit = 3, 0, -1 do
      if math.floor(tonumber(digit, 16) / 2 ^ bit) % 2 == 1 then
        table.insert(names, 1, NAMES[place + bit] or tostring(place + bit))
      end
    end
  end
  return #names == 0 and "none" or #names > FEW and ("%d of them"):format(#names) or table.concat(names, " ")
end

local SECCOMP = { ["0"] = "none", ["1"] = "strict", ["2"] = "a filter" }

local function add(list, part, what, value, verdict)
  list[#list + 1] = { part = part, what = what, value = value, verdict = verdict or "ok" }
end

local function unless(condition, verdict)
  return condition and "ok" or verdict
end

-- Four ids, or one where all are equal.
local function ids(text)
  return text:match("^(%d+)%s+%1%s+%1%s+%1$") or (text:gsub("%s+", " "))
end

-- must: what must hold of it: capabilities = false: none; dropped: ids are not root's; filter.
local function add_process(list, part, text, must)
  local fields = fields_of(text)
  if not fields.Uid then
    add(list, part, "ids", "not known: /proc does not show them", "look")
    return fields
  end
  add(list, part, "uid", ids(fields.Uid), unless(not must.dropped or ids(fields.Uid) ~= "0", "bad"))
  add(list, part, "gid", ids(fields.Gid))
  add(list, part, "groups", fields.Groups == "" and "none" or fields.Groups,
    unless(not must.dropped or fields.Groups == "", "look"))
  for _, mask in ipairs(MASKS) do
    local value = names_of(fields[mask[1]] or "")
    add(list, part, "capabilities, " .. mask[2], value,
      unless(not must.bare or value == "none" or (mask[1] == "CapBnd" and not must.dropped), "bad"))
  end
  local forbidden = fields.NoNewPrivs
  add(list, part, "no_new_privs", forbidden == "1" and "yes" or forbidden and "no" or "not told by this kernel",
    unless(forbidden == "1", forbidden and "bad" or "look"))
  add(list, part, "seccomp", SECCOMP[fields.Seccomp or ""] or "not in this kernel",
    unless(not must.filter or fields.Seccomp == "2", "bad"))
  return fields
end

-- The name in /proc/PID/limits, what it is of, and the most that the sandbox leaves.
local LIMITS = {
  { "Max core file size", "core file", 0 }, { "Max processes", "processes", 0 }, { "Max locked memory", "locked memory", 0 },
  { "Max msgqueue size", "message queues", 0 }, { "Max open files", "descriptors", 8 }, { "Max data size", "private memory" },
  { "Max address space", "address space" },
}

local function add_limits(list, text, is_sandboxed)
  for _, limit in ipairs(LIMITS) do
    local name, what, most = unpack(limit)
    local value = text and text:match(name .. "%s+(%S+)")
    local number = tonumber(value)
    local shown = not most and number and ("%g MiB"):format(number / 2 ^ 20) or value or "not known"
    add(list, "interpreter", "limit of " .. what, shown,
      unless(not is_sandboxed or not most or (number and number <= most), value and "bad" or "look"))
  end
end

local function landlock(found)
  if found.landlock_abi == 0 then
    return "not in this kernel: " .. (found.landlock_error or "unknown"), "look"
  elseif not found.wanted then
    return ("not set; this kernel has ABI %d"):format(found.landlock_abi), "ok"
  elseif found.landlock_error then
    return "not in force: " .. found.landlock_error, "look"
  elseif not found.landlock_proved then
    return ("ABI %d, but / could be opened"):format(found.landlock_abi), "bad"
  end
  return ("ABI %d, no rule; opening / was refused"):format(found.landlock_abi), "ok"
end

-- What Landlock holds, by the first ABI that has it.
local SINCE = { [2] = "renaming across folders", [3] = "truncation", [4] = "TCP ports", [5] = "ioctl of devices",
  [6] = "signals and abstract sockets" }

local function add_lacks(list, found, own)
  local lacks = {}
  if found.landlock_abi == 0 then
    lacks[1] = "Landlock"
  end
  for abi = math.max(2, found.landlock_abi + 1), found.landlock_abi > 0 and found.newest_abi or 0 do
    lacks[#lacks + 1] = ("Landlock of %s (ABI %d)"):format(SINCE[abi], abi)
  end
  if not own.Seccomp or found.seccomp_error then
    lacks[#lacks + 1] = "seccomp filters" .. (found.seccomp_error and " (" .. found.seccomp_error .. ")" or "")
  end
  add(list, "kernel", "lacks", #lacks == 0 and "nothing that sockq would use" or table.concat(lacks, ", "),
    unless(#lacks == 0, "look"))
end

-- The collector gives up its rights before it answers.
local function await_collector()
  local client = core.connect(nil)
  local set = client and client:collect(2 ^ tonumber(require("sockq.schema").C.SOCKQ_ICMP), 0, 0)
  if set then
    set:release()
  end
end

local function sandbox(found)
  return found.wanted and "on" or found.privileged and "off: --trust"
    or "off: sockq was started without privileges; --sandbox sets it"
end

--- What is in force: a list of { part, what, value, verdict = "ok", "look" or "bad" }.
---@return table[]
function confinement.list()
  if not core.command_line().given.read then
    await_collector()
  end
  local found, list = require("sockq.locks").read(), {}
  add(list, "interpreter", "sandbox", sandbox(found))
  local own = add_process(list, "interpreter", found.status,
    { dropped = found.privileged, bare = true, filter = found.wanted })
  add(list, "interpreter", "dumpable", found.dumpable and "yes" or "no", unless(not found.dumpable, "bad"))
  add(list, "interpreter", "Landlock", landlock(found))
  add_limits(list, found.limits, found.wanted)
  add_process(list, "collector", found.collector, {})
  add_lacks(list, found, own)
  return list
end

--- The same as lines of text.
---@return string
function confinement.text()
  local lines = {}
  for i, entry in ipairs(confinement.list()) do
    lines[i] = ("%-11s  %-26s  %s\n"):format(entry.part, entry.what, entry.value)
  end
  return table.concat(lines)
end

return confinement
