--- ss options as the plan that sockq's listing takes, without the program's command line; and what the
--- real ss says of the same tree.

local check = require "check"
local posix = require "posix"

local plans = {}

--- The release whose output is the reference.
plans.RELEASE = "iproute2-6.1.0"

--- Why ss cannot be compared with.
---@return string?  # nil if all is well
function plans.missing()
  local status, version = posix.run({ "ss", "-V" })
  if status == 127 then return "ss is not installed (package iproute2)" end
  if not version:find(plans.RELEASE, 1, true) then return "ss is not of " .. plans.RELEASE .. ": " .. version end
end

--- A letter → what it does to a plan.
local LETTERS = {
  t = function(plan) plan.has.tcp = true end,
  u = function(plan) plan.has.udp = true end,
  w = function(plan) plan.has.raw = true end,
  x = function(plan)
    plan.has.unix_stream, plan.has.unix_dgram, plan.has.unix_seqpacket = true, true, true
    plan.families.unix = true
  end,
  ["0"] = function(plan)
    plan.has.packet_raw, plan.has.packet_dgram, plan.families.link = true, true, true
  end,
  n = function(plan) plan.show.numeric = true end,
  r = function(plan) plan.show.resolve = true end,
  o = function(plan) plan.show.options = true end,
  e = function(plan) plan.show.extended, plan.show.options = true, true end,
  p = function(plan) plan.show.processes = true end,
  i = function(plan) plan.show.info = true end,
  T = function(plan) plan.show.processes, plan.show.threads = true, true end,
  m = function(plan) plan.show.memory = true end,
  O = function(plan) plan.show.oneline = true end,
  M = function(plan) plan.has.mptcp = true end,
  b = function(plan) plan.show.bpf = true end,
  H = function(plan) plan.show.header = false end,
}

--- A plan with all states, as `ss -a LETTERS` or, for "netlink", `ss -a -f netlink` with the letters.
---@param letters string
---@param netlink? boolean
---@param more? string[]  names of show
function plans.plan(letters, netlink, more)
  local plan = { show = { header = true, netid = true, state = true }, has = {},
    families = { inet = true, inet6 = true }, states = 0xfff }
  if netlink then plan.has.netlink, plan.families.netlink = true, true end
  for letter in letters:gmatch(".") do LETTERS[letter](plan) end
  for _, name in ipairs(more or {}) do plan.show[name] = true end
  local count = 0
  for _ in pairs(plan.has) do count = count + 1 end
  plan.show.netid = count > 1
  return plan
end

--- What sockq prints for a plan over a tree.
---@param tree string|nil  nil: the live /proc
---@param plan table
---@return string
function plans.print(tree, plan)
  local output = require "sockq.output"
  local pieces = {}
  require("sockq.set").open(tree)
  output.captor = { write = function(text) pieces[#pieces + 1] = text end }
  local ok, status = pcall(require("sockq.ss.listing").run, plan)
  output.captor = nil
  if not ok or status ~= 0 then error(tostring(status), 0) end
  return table.concat(pieces)
end

--- What the real ss prints.
---@param tree string|nil  nil: the live /proc
---@param letters string
---@param netlink? boolean
---@param more? string[]  long options
---@return string
function plans.real(tree, letters, netlink, more)
  local words = { "ss", "-a" .. letters }
  if netlink then
    words[#words + 1], words[#words + 2] = "-f", "netlink"
  end
  for _, word in ipairs(more or {}) do words[#words + 1] = word end
  local _, out = posix.run(words, { env = { PROC_ROOT = tree, LC_ALL = "C" }, timeout = 60 })
  return out
end

--- The first line that differs, for a message.
function plans.difference(want, got)
  local function lines(text)
    local list = {}
    for line in (text .. "\n"):gmatch("([^\n]*)\n") do list[#list + 1] = line end
    return list
  end
  local a, b = lines(want), lines(got)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return ("line %d\nss    |%s|\nsockq |%s|"):format(i, tostring(a[i]), tostring(b[i]))
    end
  end
end

-- What runs on between two looks.
local CLOCKS = { "lastsnd", "lastrcv", "lastack" }

--- A listing of two looks without what differs by time alone.
function plans.masked(text)
  for _, name in ipairs(CLOCKS) do text = text:gsub(" " .. name .. ":%d+", " " .. name .. ":#") end
  -- The clocks have widths of their own.
  return (text:gsub("timer:%((%l+),[^,]*,", "timer:(%1,#,"):gsub(" +", " "))
end

--- A listing without ss's own netlink socket, which is gone at the next look.
function plans.without_own(text)
  return (text:gsub("[^\n]*tcpdiag:[^\n]*\n", ""):gsub("[^\n]* 4:%d+ [^\n]*\n", ""))
end

--- Go on in a namespace of the test's own with sockets of every family (ss_sockets.py), in which the test's file is
--- run again with --inside. The test is skipped where there can be none.
---@param words string[]  the test's arguments
function plans.inside(words)
  if words[1] == "--inside" then return end
  local missing = plans.missing()
  if missing then check.skip(missing) end
  if posix.run({ "unshare", "-mn", "true" }) ~= 0 then check.skip("no namespace can be made") end
  local status, out, err = posix.run({ "unshare", "-mn", "python3", "tests/lib/ss_sockets.py", "luajit", words[0], "--inside",
    unpack(words) }, { timeout = 200 })
  io.stdout:write(out)
  io.stderr:write(err)
  os.exit(status)
end

return plans
