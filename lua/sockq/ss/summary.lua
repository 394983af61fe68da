-- ss -s: how many sockets there are, from what the kernel counts. ss takes the numbers of a line by
-- their place, whatever their names are.

local core = require("sockq.core")
local output = require("sockq.output")
local schema = require("sockq.schema")
local set = require("sockq.set")

local summary = {}

local C = schema.C
local ESRCH = 3
local SOCKSTAT, SOCKSTAT6, SNMP = "net/sockstat", "net/sockstat6", "net/snmp"

-- The texts of the three files by path; what is wrong with one by path as well.
local function read()
  local texts, errors, paths = {}, {}, {}
  local number = 0
  while core.fact_path(number) do
    paths[number] = core.fact_path(number)
    number = number + 1
  end
  local collected = set.collect(0, 0, tonumber(C.SOCKQ_WITH_FACTS))
  local final, seen = false, 0
  while not final do
    seen, final = set.wait(collected, seen)
  end
  local handle = set.handle(collected)
  local fact = schema.fact(handle, handle.set.facts)
  while fact do
    local path = paths[tonumber(fact.file)]
    if path and fact.error == 0 then
      texts[path] = schema.text(handle, fact.text, fact.text_len) or ""
    elseif path then
      errors[path] = tonumber(fact.error)
    end
    fact = schema.fact(handle, fact.next)
  end
  set.release(collected)
  return texts, errors
end

-- A number at the start of a text, and what is behind it.
local function number_at(text)
  local digits, rest = text:match("^%s*([+-]?%d+)(.*)$")
  return tonumber(digits), rest
end

-- The numbers of a line "NAME: word number word number …".
local function numbers_of(text)
  local list = {}
  while true do
    local rest = text:match("^%s*%S+(.*)$")
    local number
    if rest then
      number, rest = number_at(rest)
    end
    if not number then
      return list
    end
    list[#list + 1], text = number, rest
  end
end

local function counters(text)
  local lines = setmetatable({}, { __index = function() return {} end })
  for line in (text or ""):gmatch("[^\n]+") do
    local name, rest = line:match("^(%w+):(.*)$")
    if name then
      lines[name] = numbers_of(rest)
    end
  end
  return lines
end

-- Connections that are established: the value below CurrEstab, or the last one.
local function established(text)
  local names, values
  for line in text:gmatch("[^\n]+") do
    local rest = line:match("^Tcp:(.*)$")
    if rest and not names then
      names = rest
    elseif rest then
      values = rest
      break
    end
  end
  if not values then
    return nil
  end
  local wanted = {}
  for name in names:gmatch("%S+") do
    wanted[#wanted + 1] = name
  end
  local number, last = 0, 0
  for word in values:gmatch("%S+") do
    number = number + 1
    last = number_at(word) or last
    if wanted[number] == "CurrEstab" then
      break
    end
  end
  return last
end

local TEXT = [[
Total: %d
TCP:   %d (estab %d, closed %d, orphaned %d, timewait %d)

Transport Total     IP        IPv6
]]

--- Write the summary.
---@param complain fun(text: string)  tells what could not be read
function summary.write(complain)
  local texts, errors = read()
  local function reason(path)
    return core.strerror(errors[path] or core.ENOENT)
  end
  local v4, v6 = counters(texts[SOCKSTAT]), counters(texts[SOCKSTAT] and texts[SOCKSTAT6])
  if not texts[SOCKSTAT] then
    complain(("ss: get_sockstat: %s\n"):format(reason(SOCKSTAT)))
  end
  local estab = texts[SNMP] and established(texts[SNMP])
  if not estab then
    complain(("ss: get_snmpstat: %s\n"):format(texts[SNMP] and core.strerror(ESRCH) or reason(SNMP)))
  end
  local tcp = v4.TCP
  local inuse, orphaned, waiting, allocated = tcp[1] or 0, tcp[2] or 0, tcp[3] or 0, tcp[4] or 0
  local inuse6 = v6.TCP6[1] or 0
  local used = v4.sockets[1] and v4.sockets[1] - core.ss_own_sockets() or 0
  output.write(TEXT:format(used, allocated + waiting, estab or 0,
    allocated - (inuse + inuse6 - waiting), orphaned, waiting))
  local total4, total6 = 0, 0
  local function line(name, ip, ip6)
    output.write(("%s\t  %-9d %-9d %-9d\n"):format(name, ip + ip6, ip, ip6))
  end
  for _, name in ipairs({ "RAW", "UDP", "TCP" }) do
    local ip, ip6 = v4[name][1] or 0, v6[name .. "6"][1] or 0
    total4, total6 = total4 + ip, total6 + ip6
    line(name, ip, ip6)
  end
  line("INET", total4, total6)
  line("FRAG", v4.FRAG[1] or 0, v6.FRAG6[1] or 0)
  output.write("\n")
end

return summary
