-- What an ss command line names and the world has: files of filters, network namespaces, devices, hosts.

local ffi = require("ffi")
local core = require("sockq.core")
local escape = require("sockq.escape")

local lookup = {}

--- What -F and -N name. They were opened before Lua ran.
---@param chosen sockq.ss.Chosen
---@param letter "F"|"N"
---@param name string
---@return sockq.ss.End|nil  # it cannot be had
function lookup.open(chosen, letter, name)
  if letter == "F" then
    local text, why = core.ss_filter()
    if not text then
      return { status = 255, err = ("fopen filter file: %s\n"):format(why) }
    end
    chosen.filter_text = text
    return nil
  end
  local netns = core.netns()
  if netns and netns.refused then
    local text = netns.refused == "other file" and 'setting the network namespace "%s" failed: Invalid argument\n'
      or 'Cannot open network namespace "%s": %s\n'
    return { status = 1, err = text:format(escape.bytes(name), netns.error) }
  end
  return nil
end

-- A device that has no name is called ifN.
local function device(name)
  local index = core.ss_device(name) or tonumber(name:match("^if(%d+)$"))
  return index and index > 0 and index < 0x80000000 and index or nil
end

local function cgroup(path)
  local id, why = core.ss_cgroup(path)
  if not id then
    return nil, why
  end
  local number = ffi.new("uint64_t[1]")
  ffi.copy(number, id, 8)
  return number[0]
end

local FAMILIES = { [4] = "inet", [6] = "inet6" }
-- Of an address as core.ss_host gives it.
local ADDRESS = 17

-- The addresses of a host, of a family or of all.
local function resolve(name, family)
  local packed, list = core.ss_host(name) or "", {}
  for at = 1, #packed, ADDRESS do
    local found = FAMILIES[packed:byte(at)]
    if not family or found == family then
      local bytes = ffi.new("uint8_t[16]")
      ffi.copy(bytes, packed:sub(at + 1, at + 16), 16)
      list[#list + 1] = { family = found, bytes = bytes, bits = found == "inet" and 32 or 128 }
    end
  end
  return list[1] and list or nil
end

--- What a filter's words are looked up with.
---@param made sockq.ss.Plan
---@return sockq.ss.Lookup
function lookup.of(made)
  return {
    tcp = made.has.tcp, udp = made.has.udp, device = device, cgroup = cgroup,
    resolve = resolve,
  }
end

return lookup
