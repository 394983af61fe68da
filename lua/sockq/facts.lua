-- What /proc says besides sockets: settings, counters, the machine's load. The collector reads the
-- files (src/facts.c has the list); here they are parsed. Nothing is guessed: what is absent is nil.

local core = require("sockq.core")
local hint = require("sockq.hint")
local schema = require("sockq.schema")
local set = require("sockq.set")

local C = schema.C
local sformat = string.format

local facts = {}

--- The sysctl names that are read, as sysctl(8) spells them: { ["net.ipv4.tcp_retries2"] = true, … }.
facts.settings = {}

-- { [number] = path below /proc }
local paths = {}
do
  local number = 0
  local path = core.fact_path(number)
  while path do
    paths[number] = path
    local name = path:match("^sys/(.+)$")
    if name then
      facts.settings[name:gsub("/", ".")] = true
    end
    number = number + 1
    path = core.fact_path(number)
  end
end

-- A group or file that is absent: every counter of it is nil.
local NOTHING = { __newindex = function() error("facts cannot be written", 2) end, __metatable = "sockq.facts" }
local GROUPS = { __index = function() return setmetatable({}, NOTHING) end, __metatable = "sockq.facts" }

local function bad(path, line, what)
  set.incomplete = true
  set.tell(sformat("%s:%d: %s; skipped", set.path(path), line, what))
end

-- Lines without their line feeds; the last may lack it.
local function lines(text)
  return text:gmatch("([^\n]+)")
end

local function is_number(word)
  return word:find("^%-?%d+$") ~= nil
end

-- Two lines a group: "Tcp: A B", then "Tcp: 1 2".
-- Source: net/ipv4/proc.c, snmp_seq_show and netstat_seq_show.
local function two_line_groups(text, path)
  local groups = setmetatable({}, GROUPS)
  local number, group, names = 0, nil, nil
  for line in lines(text) do
    number = number + 1
    local prefix, rest = line:match("^(%w+):(.*)$")
    if not prefix then
      bad(path, number, "no group stands before a colon")
      names = nil
    elseif not names then
      group, names = prefix, {}
      for name in rest:gmatch("%S+") do
        names[#names + 1] = name
      end
    else
      local values, count, whole = {}, 0, prefix == group
      for word in rest:gmatch("%S+") do
        count = count + 1
        whole = whole and names[count] ~= nil and is_number(word)
        if whole then
          values[names[count]] = tonumber(word)
        end
      end
      if whole and count == #names then
        groups[group] = values
      else
        bad(path, number, "the numbers are not those of the names in the line before")
      end
      names = nil
    end
  end
  if names then
    bad(path, number, "the line with the numbers of the group " .. group .. " is missing")
  end
  return groups
end

-- "TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 1".
-- Source: net/ipv4/proc.c, sockstat_seq_show; net/ipv6/proc.c, sockstat6_seq_show.
local function word_groups(text, path)
  local groups = setmetatable({}, GROUPS)
  local number = 0
  for line in lines(text) do
    number = number + 1
    local group, rest = line:match("^(%w+):(.*)$")
    local values, whole = {}, group ~= nil
    for name, word in (rest or ""):gmatch("(%S+)%s*(%S*)") do
      whole = whole and is_number(word)
      values[name] = tonumber(word)
    end
    if whole then
      groups[group] = values
    else
      bad(path, number, "not a group of names and numbers")
    end
  end
  return groups
end

-- "Ip6InReceives      123". Source: net/ipv6/proc.c, snmp6_seq_show_item.
local function pairs_of(text, path)
  local values, number = {}, 0
  for line in lines(text) do
    number = number + 1
    local name, word = line:match("^(%S+)%s+(%S+)%s*$")
    if name and is_number(word) then
      values[name] = tonumber(word)
    else
      bad(path, number, "not a name and a number")
    end
  end
  return values
end

-- A line a processor, hexadecimal: packets processed, dropped for want of room in the backlog, times
-- that the time slice was used up. Source: net/core/net-procfs.c, softnet_seq_show.
local function softnet(text, path)
  local sums, number, whole = { processed = 0, dropped = 0, squeezed = 0 }, 0, true
  for line in lines(text) do
    number = number + 1
    local processed, dropped, squeezed = line:match("^(%x+) (%x+) (%x+)")
    if processed then
      sums.processed = sums.processed + tonumber(processed, 16)
      sums.dropped = sums.dropped + tonumber(dropped, 16)
      sums.squeezed = sums.squeezed + tonumber(squeezed, 16)
    else
      bad(path, number, "not three hexadecimal numbers")
      whole = false
    end
  end
  return whole and number > 0 and sums or nil
end

local function numbers_in(text, count, path)
  local list = {}
  for word in text:gmatch("%S+") do
    if #list == count or not word:find("^%d+%.?%d*$") then
      break
    end
    list[#list + 1] = tonumber(word)
  end
  if #list < count then
    bad(path, 1, count == 1 and "not a number" or sformat("not %d numbers", count))
    return nil
  end
  return list
end

-- Where the text of a file goes. sysctl settings are told apart by their path.
local READERS = {
  ["net/snmp"] = function(all, text, path) all.snmp = two_line_groups(text, path) end,
  ["net/netstat"] = function(all, text, path) all.netstat = two_line_groups(text, path) end,
  ["net/snmp6"] = function(all, text, path) all.snmp6 = pairs_of(text, path) end,
  ["net/sockstat"] = function(all, text, path) all.sockstat = word_groups(text, path) end,
  ["net/sockstat6"] = function(all, text, path) all.sockstat6 = word_groups(text, path) end,
  ["net/softnet_stat"] = function(all, text, path) all.softnet = softnet(text, path) end,
  -- proc(5): seconds since boot, seconds idle; load averages over 1, 5 and 15 minutes.
  ["uptime"] = function(all, text, path)
    local list = numbers_in(text, 1, path)
    all.uptime = list and list[1]
  end,
  ["loadavg"] = function(all, text, path) all.loadavg = numbers_in(text, 3, path) end,
}

local function setting(text)
  text = text:gsub("\n$", "")
  return is_number(text) and tonumber(text) or text
end

--- The numbers in a setting of several, such as net.ipv4.tcp_mem.
---@param value any  what facts.sysctl has
---@return number[]|nil  # nil if it is absent or not all of it are numbers
local function numbers(value)
  if value == nil then
    return nil
  end
  local list = {}
  for word in tostring(value):gmatch("%S+") do
    if not is_number(word) then
      return nil
    end
    list[#list + 1] = tonumber(word)
  end
  return list
end

-- "8080,9148-9200" → { { 8080, 8080 }, { 9148, 9200 } }; nil if it is no such list.
-- Source: kernel/sysctl.c, proc_do_large_bitmap.
local function ranges(text)
  local list = {}
  for word in tostring(text):gmatch("[^,%s]+") do
    local from, to = word:match("^(%d+)%-(%d+)$")
    from = from or word:match("^%d+$")
    if not from then
      return nil
    end
    list[#list + 1] = { tonumber(from), tonumber(to or from) }
  end
  return list
end

-- Source: net/ipv4/inet_hashtables.c, __inet_hash_connect: both ends of the range count, reserved
-- ports (net/ipv4/inet_connection_sock.c, inet_is_local_reserved_port) are passed over.
local function local_ports(sysctl)
  local range = numbers(sysctl["net.ipv4.ip_local_port_range"])
  local low, high = range and range[1], range and range[2]
  if not high or low > high or low < 0 or high > 65535 then
    return nil
  end
  local text = sysctl["net.ipv4.ip_local_reserved_ports"]
  local reserved = text ~= nil and ranges(text) or nil
  if text and not reserved then
    bad("sys/net/ipv4/ip_local_reserved_ports", 1, "not a list of ports and ranges of ports")
  end
  local ephemeral, count = {}, high - low + 1
  for port = low, high do
    ephemeral[port] = true
  end
  for _, range_of in ipairs(reserved or {}) do
    for port = math.max(range_of[1], low), math.min(range_of[2], high) do
      if ephemeral[port] then
        ephemeral[port] = nil
        count = count - 1
      end
    end
  end
  return { low = low, high = high, reserved = reserved, count = count, ephemeral = ephemeral }
end

---@class sockq.Ports   which local ports the kernel chooses itself
---@field low integer   net.ipv4.ip_local_port_range, both ends included
---@field high integer
---@field reserved integer[][]|nil  { { from, to }, … } of ip_local_reserved_ports; nil: not known
---@field count integer              ports of the range that are not reserved
---@field ephemeral table<integer, boolean>  true for each of them

---@class sockq.Facts
---@field sysctl table<string, number|string>  by sysctl(8)'s names; several numbers are one text
---@field snmp table     /proc/net/snmp: facts.snmp.Tcp.ActiveOpens
---@field netstat table  /proc/net/netstat: facts.netstat.TcpExt.ListenOverflows
---@field snmp6 table    /proc/net/snmp6: facts.snmp6.Udp6InErrors
---@field sockstat table   /proc/net/sockstat: facts.sockstat.TCP.tw; memory in pages
---@field sockstat6 table  /proc/net/sockstat6
---@field softnet table|nil   sums over the processors: processed, dropped, squeezed
---@field file_nr table|nil   file handles: allocated, max
---@field uptime number|nil   seconds since boot
---@field loadavg number[]|nil  over 1, 5 and 15 minutes
---@field ports sockq.Ports|nil
---@field numbers fun(value: any): number[]|nil  # facts.numbers(facts.sysctl["net.ipv4.tcp_mem"])

local OPTIONAL = { softnet = true, file_nr = true, uptime = true, loadavg = true, ports = true }

local Facts = {
  __metatable = "sockq.facts",
  __index = function(all, name)
    if OPTIONAL[name] then
      return nil
    end
    local known = hint.keys(OPTIONAL)
    for key in pairs(all) do
      known[#known + 1] = key
    end
    error(sformat("facts have no %s; %s", tostring(name), hint.remedy(name, known)), 2)
  end,
}

local Settings = {
  __metatable = "sockq.facts",
  __index = function(_, name)
    if not facts.settings[name] then
      error(sformat("facts.sysctl has no %s; %s", tostring(name), hint.remedy(name, hint.keys(facts.settings),
        "only those are read that reports need")), 2)
    end
  end,
}

-- From texts by their path below /proc to what scripts get.
local function parse(texts)
  local all = {
    sysctl = setmetatable({}, Settings),
    snmp = setmetatable({}, GROUPS), netstat = setmetatable({}, GROUPS), snmp6 = {},
    sockstat = setmetatable({}, GROUPS), sockstat6 = setmetatable({}, GROUPS),
    numbers = numbers,
  }
  for path, text in pairs(texts) do
    local name = path:match("^sys/(.+)$")
    if name then
      all.sysctl[name:gsub("/", ".")] = setting(text)
    else
      READERS[path](all, text, path)
    end
  end
  -- Documentation/admin-guide/sysctl/fs.rst: allocated, free (0 since 2.6), the limit.
  local files = numbers(all.sysctl["fs.file-nr"])
  if files and files[3] then
    all.file_nr = { allocated = files[1], max = files[3] }
  end
  all.ports = local_ports(all.sysctl)
  return setmetatable(all, Facts)
end

local function texts_of(handle)
  local texts = {}
  local fact = schema.fact(handle, handle.set.facts)
  while fact do
    local path = paths[tonumber(fact.file)]
    if path and fact.error == 0 then
      texts[path] = schema.text(handle, fact.text, fact.text_len) or ""
    end
    fact = schema.fact(handle, fact.next)
  end
  return texts
end

--- What /proc says besides sockets, read anew: some fifty small files, about a millisecond. With
--- --proc they come from the captured tree, with --read from the recording. What is absent there is
--- nil, and a counter that this kernel lacks too; a group that is absent has only such counters. A
--- name of a setting that sockq does not read is an error.
---@return sockq.Facts
--- Example: sockq.facts().sysctl["net.ipv4.tcp_fin_timeout"]
function facts.read()
  if core.netns() then
    error("--netns: settings and counters are read of one's own namespace alone; run sockq in the other, by " ..
      "ip netns exec NAME or nsenter -t PID -n", 0)
  end
  local collected = set.collect(0, 0, tonumber(C.SOCKQ_WITH_FACTS))
  local final, seen = false, 0
  while not final do
    seen, final = set.wait(collected, seen)
  end
  set.note(collected)
  local texts = texts_of(set.handle(collected))
  set.release(collected)
  return parse(texts)
end

return facts
