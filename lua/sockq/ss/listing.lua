-- ss's listing: which tables are read, in what order their rows come, and their way to the columns.

local ffi = require("ffi")
local core = require("sockq.core")
local inet = require("sockq.ss.inet")
local layout = require("sockq.ss.layout")
local names = require("sockq.ss.names")
local netlink = require("sockq.ss.netlink")
local output = require("sockq.output")
local packet = require("sockq.ss.packet")
local range = require("sockq.ss.range")
local schema = require("sockq.schema")
local sctp = require("sockq.ss.sctp")
local set = require("sockq.set")
local shortfall = require("sockq.shortfall")
local tables = require("sockq.tables")
local tipc = require("sockq.ss.tipc")
local unix = require("sockq.ss.unix")
local users = require("sockq.ss.users")
local vsock = require("sockq.ss.vsock")
local xdp = require("sockq.ss.xdp")

local C = schema.C

local listing = {}

local band, lshift = bit.band, bit.lshift
local cast = ffi.cast
local FIRST_LINE, DIAG = tonumber(C.SOCKQ_ROW_FIRST_LINE), tonumber(C.SOCKQ_ROW_DIAG)
local LONG_LINE = tonumber(C.SOCKQ_ROW_LONG_LINE)
-- The one status that ss does not have: it does not notice when it could not write all.
local INCOMPLETE = 3
-- The kernel's number for what ss calls UNCONN.
local CLOSE = 7

-- The families of tables, and what they are read from.
local function inet_tables(name, v4, v6)
  return function(plan)
    if not plan.has[name] then
      return {}
    end
    local list = {}
    list[#list + 1] = plan.families.inet and v4 or nil
    list[#list + 1] = plan.families.inet6 and v6 or nil
    return list
  end
end

local function other_table(family, number, ...)
  local among = { ... }
  return function(plan)
    for _, name in ipairs(among) do
      if plan.has[name] and plan.families[family] then
        return { number }
      end
    end
    return {}
  end
end

local function sctp_tables(plan)
  local any = plan.has.sctp and (plan.families.inet or plan.families.inet6)
  return any and { C.SOCKQ_SCTP_EPS, C.SOCKQ_SCTP_ASSOCS } or {}
end

-- TIPC has a table and a family that are chosen together.
local function tipc_tables(plan)
  return plan.has.tipc and { C.SOCKQ_TIPC } or {}
end

-- ss's order.
local STEPS = {
  { name = "netlink", tables = other_table("netlink", C.SOCKQ_NETLINK, "netlink") },
  { name = "packet", tables = other_table("link", C.SOCKQ_PACKET, "packet_raw", "packet_dgram") },
  { name = "unix", tables = other_table("unix", C.SOCKQ_UNIX, "unix_stream", "unix_dgram", "unix_seqpacket") },
  { name = "raw", tables = inet_tables("raw", C.SOCKQ_RAW, C.SOCKQ_RAW6) },
  { name = "udp", tables = inet_tables("udp", C.SOCKQ_UDP, C.SOCKQ_UDP6) },
  { name = "tcp", tables = inet_tables("tcp", C.SOCKQ_TCP, C.SOCKQ_TCP6) },
  { name = "dccp", tables = inet_tables("dccp", C.SOCKQ_DCCP, C.SOCKQ_DCCP6) },
  { name = "sctp", tables = sctp_tables },
  { name = "vsock", tables = other_table("vsock", C.SOCKQ_VSOCK, "vsock_stream", "vsock_dgram") },
  { name = "tipc", tables = tipc_tables },
  { name = "xdp", tables = other_table("xdp", C.SOCKQ_XDP, "xdp") },
  { name = "mptcp", tables = inet_tables("mptcp", C.SOCKQ_MPTCP, C.SOCKQ_MPTCP6) },
}

-- Each step's rows on their way: accept(row, set) and the cells.
local BUILDERS = {}

local function with_filter(plan, accepts)
  local matches, states = plan.filter and plan.filter.matches, plan.states
  if not matches then
    return function(row)
      return (accepts(row, states))
    end
  end
  return function(row, handle)
    return accepts(row, states) and (matches(row, handle, band(row.flags, DIAG) == 0))
  end
end

local function accepts_inet(row, states)
  return band(states, lshift(1, band(row.state, 15))) ~= 0 and band(row.flags, FIRST_LINE) == 0
end

local function accepts_closed(row, states)
  return band(states, lshift(1, CLOSE)) ~= 0 and band(row.flags, FIRST_LINE) == 0
end

-- How the ports of a protocol are named; nil: as those of the one that was shown before it, or by any.
local PORTS = {
  tcp = function() return names.ports("tcp", range.read()) end,
  udp = function() return names.ports("udp", range.read()) end,
  raw = function() return names.ip_protocol end,
}
local function any_ports() return names.ports("any", range.read()) end

local function inet_cells(name, plan, state)
  state.find_ports = PORTS[name] or state.find_ports or any_ports
  return inet.cells(name, plan.show, not plan.show.numeric and state.find_ports() or nil)
end

for _, name in ipairs({ "raw", "udp", "tcp", "dccp", "mptcp" }) do
  BUILDERS[name] = function(plan, state)
    return with_filter(plan, accepts_inet), inet_cells(name, plan, state)
  end
end

-- The kernel takes the states by a rule of its own. ss does not read SCTP's text.
local function accepts_sctp(row)
  return band(row.flags, DIAG) ~= 0
end

function BUILDERS.sctp(plan, state)
  return with_filter(plan, accepts_sctp), sctp.cells(inet_cells("sctp", plan, state))
end

function BUILDERS.netlink(plan)
  return with_filter(plan, accepts_closed), netlink.cells(plan.show)
end

function BUILDERS.packet(plan)
  return with_filter(plan, accepts_closed), packet.cells(plan.show)
end

function BUILDERS.unix(plan)
  local chosen = plan.has
  return with_filter(plan, function(row, states)
    return unix.chosen(row, chosen) and band(states, lshift(1, band(unix.state(row), 31))) ~= 0 and
      band(row.flags, FIRST_LINE) == 0
  end), unix.cells(plan.show)
end

function BUILDERS.vsock(plan)
  local chosen = plan.has
  return with_filter(plan, function(row, states)
    return vsock.chosen(row, chosen) and band(states, lshift(1, band(row.state, 31))) ~= 0
  end), vsock.cells(plan.show)
end

function BUILDERS.tipc(plan)
  return function() return true end, tipc.cells(plan.show)
end

function BUILDERS.xdp(plan)
  return with_filter(plan, accepts_closed), xdp.cells(plan.show)
end

local Listing = {}
Listing.__index = Listing

local function new_listing(plan)
  local self = setmetatable({ plan = plan, steps = {} }, Listing)
  local numbers = {}
  for _, step in ipairs(STEPS) do
    local list = step.tables(plan)
    if list[1] then
      self.steps[#self.steps + 1] = { name = step.name, tables = list }
      for _, number in ipairs(list) do
        numbers[#numbers + 1] = number
      end
    end
  end
  self.numbers = numbers
  return self
end

-- The row function of a step: visit(row, set).
function Listing:visitor(step)
  local accept, cells = BUILDERS[step.name](self.plan, self)
  local store = self.sheet.store(cells)
  if step.name == "unix" then
    -- Those of text are sorted when all of them are there.
    step.rows = {}
    return function(row, handle)
      if not accept(row, handle) then
        return
      elseif band(row.flags, DIAG) ~= 0 then
        store(row, handle)
      else
        step.rows[#step.rows + 1] = row
      end
    end, function(handle)
      unix.in_order(step.rows, handle, store)
    end
  end
  return function(row, handle)
    if accept(row, handle) then
      store(row, handle)
    end
  end, function() end
end

local INET_FAMILIES = { inet = tonumber(C.SOCKQ_AF_INET), inet6 = tonumber(C.SOCKQ_AF_INET6) }
local FAMILIES, SIXES = {}, {}
for _, name in ipairs({ "TCP", "UDP", "RAW", "DCCP", "MPTCP" }) do
  local v4, v6 = tonumber(C["SOCKQ_" .. name]), tonumber(C["SOCKQ_" .. name .. "6"])
  FAMILIES[v4], FAMILIES[v6] = "inet", "inet6"
  SIXES[v6] = v4
end

-- What ends a text for ss, and that of IPv6 with it; and what ends that text alone.
local ENDS_BOTH = { [tonumber(C.SOCKQ_BAD_LENGTH)] = true, [tonumber(C.SOCKQ_BAD_TRUNCATED)] = true }
local ENDS_ONE = { [tonumber(C.SOCKQ_BAD_EMPTY_LINE)] = true, [tonumber(C.SOCKQ_BAD_SECOND_HEADER)] = true,
  [tonumber(C.SOCKQ_BAD_COLUMNS)] = true }

-- The first line of a table that ss does not get beyond, and whether it ends both texts.
local function end_of(handle, number)
  local line, both = math.huge, false
  local problem = schema.problem(handle, handle.set.problems)
  while problem do
    local reason = tonumber(problem.reason)
    if problem.table == number and problem.line > 1 and problem.line < line and (ENDS_BOTH[reason] or ENDS_ONE[reason]) then
      line, both = problem.line, ENDS_BOTH[reason] or false
    end
    problem = schema.problem(handle, problem.next)
  end
  return line, both
end

-- Whether ss lists a table: without the file of IPv4, or where a line ended it, that of IPv6 is not read;
-- of sock_diag the family that was named last is the only one.
function Listing:is_read(step, number, handle)
  local last, family = self.plan.last_family, FAMILIES[number]
  if handle.set.tables[number].source == C.SOCKQ_SOURCE_DIAG then
    return not (family and (last == "inet" or last == "inet6") and last ~= family)
  end
  local v4 = SIXES[number]
  if not v4 or step.tables[1] ~= v4 then
    return true
  end
  local _, both = end_of(handle, v4)
  return handle.set.tables[v4].status ~= C.SOCKQ_TABLE_MISSING and not both and self.ended ~= v4
end

-- Of the family that was named last alone, or of all that are chosen.
function Listing:asks_family(family)
  local last = self.plan.last_family
  return self.plan.families[family] and not ((last == "inet" or last == "inet6") and last ~= family)
end

-- A visitor of the rows of one text, for as long as ss reads it.
function Listing:until_end(number, handle, visit)
  if not FAMILIES[number] or handle.set.tables[number].source == C.SOCKQ_SOURCE_DIAG then
    return visit
  end
  local info, ended, known, last = handle.set.tables[number], false, 0, math.huge
  return function(row)
    if ended then
      return
    elseif info.bad ~= known then
      known, last = info.bad, (end_of(handle, number))
    end
    if row.line > last or band(row.flags, LONG_LINE) ~= 0 then
      ended = true
      self.ended = row.line <= last and number or self.ended
      return
    end
    visit(row, handle)
  end
end

-- One table, row by row as they come.
function Listing:stream(step, collected)
  local visit, finish = self:visitor(step)
  local handle = set.handle(collected)
  local lent_type = schema.row_handle
  local current, take = -1, nil
  set.each(collected, function(cursor)
    local row = cast(lent_type, cursor).row
    if row.table ~= current then
      current = row.table
      take = self:is_read(step, current, handle) and self:until_end(current, handle, visit)
    end
    if take then
      take(row, handle)
    end
  end, function()
    finish(handle)
    self.failure = set.failure(handle)
  end, step.name ~= "unix")
end

-- The loop over the rows of one table, compiled for each visitor.
local ROWS = [[
local rows_at, BLOCK_ROWS = ...
return function(handle, first, behind, visit)
  local rows, at = nil, first
  while at < behind do
    local in_block = at % BLOCK_ROWS
    if not rows or in_block == 0 then
      rows = rows_at(handle, at)
    end
    visit(rows + in_block, handle)
    at = at + 1
  end
end
]]

-- The tables of SCTP have both families, for which ss asks one after the other.
function Listing:by_family(step, visit_table, visit)
  for _, family in ipairs({ "inet", "inet6" }) do
    local wanted = INET_FAMILIES[family]
    for _, number in ipairs(self:asks_family(family) and step.tables or {}) do
      visit_table(number, function(row, handle)
        if row.family == wanted then
          visit(row, handle)
        end
      end)
    end
  end
end

-- All tables, in ss's order, which is not that of the collector.
function Listing:in_turn(collected)
  local handle = set.handle(collected)
  local seen, final = 0
  repeat
    seen, final = set.wait(collected, seen)
  until final
  set.note(collected)
  for _, step in ipairs(self.steps) do
    local visit, finish = self:visitor(step)
    local each = assert(load(ROWS, "=rows", "t"))(schema.rows_at, schema.BLOCK_ROWS)
    local function visit_table(number, visitor)
      local info = handle.set.tables[number]
      if self:is_read(step, number, handle) then
        local first = tonumber(info.first_row)
        each(handle, first, first + tonumber(info.rows), self:until_end(number, handle, visitor))
      end
    end
    if step.name == "sctp" then
      self:by_family(step, visit_table, visit)
    else
      for _, number in ipairs(step.tables) do
        visit_table(number, visit)
      end
    end
    finish(handle)
  end
  self.failure = set.failure(handle)
  set.release(collected)
end

-- What is asked of sock_diag for each of the things that are shown.
local FLAGS = {
  info = C.SOCKQ_WITH_INFO + C.SOCKQ_WITH_CC + C.SOCKQ_WITH_LINES,
  memory = C.SOCKQ_WITH_MEMORY,
  tos = C.SOCKQ_WITH_TOS,
  extended = C.SOCKQ_WITH_DETAILS + C.SOCKQ_WITH_CGROUP_PATHS + C.SOCKQ_WITH_LINES,
  cgroup = C.SOCKQ_WITH_DETAILS + C.SOCKQ_WITH_CGROUP_PATHS,
  inet_sockopt = C.SOCKQ_WITH_DETAILS,
  bpf = C.SOCKQ_WITH_FILTERS,
  tipcinfo = C.SOCKQ_WITH_DETAILS,
  processes = C.SOCKQ_WITH_OWNERS + C.SOCKQ_WITH_STAT_NAMES,
  threads = C.SOCKQ_WITH_OWNERS + C.SOCKQ_WITH_STAT_NAMES + C.SOCKQ_WITH_THREADS,
}

--- What is asked of the collector for what a plan shows of its tables.
---@param show sockq.ss.Show
---@param has table<string, boolean>
---@param filter? sockq.ss.Filter
---@return integer
function listing.flags(show, has, filter)
  local flags = C.SOCKQ_KEEP_DUPLICATES
  if filter and filter.needs.details then
    flags = flags + C.SOCKQ_WITH_DETAILS
  end
  if has.netlink and not show.numeric then
    flags = flags + C.SOCKQ_WITH_PORT_NAMES
  end
  for name, more in pairs(FLAGS) do
    if show[name] then
      flags = bit.bor(flags, more)
    end
  end
  return flags
end

-- Which sockets the kernel chose the port of: it lets these alone through, and does not say it of one.
local function find_autobound(numbers, filter)
  local asked = {}
  for _, number in ipairs(numbers) do
    asked[#asked + 1] = FAMILIES[number] and number or nil
  end
  if not asked[1] or shortfall.proc_path or shortfall.recording then
    return
  end
  local narrow = ffi.new("struct sockq_narrow", { has = C.SOCKQ_NARROW_AUTO })
  local collected = set.collect(tables.mask(asked), 0, C.SOCKQ_KEEP_DUPLICATES + C.SOCKQ_WITH_DETAILS, nil,
    C.SOCKQ_SOURCE_DIAG, narrow)
  local handle = set.handle(collected)
  set.each(collected, function(cursor)
    local more = schema.diag(handle, cast(schema.row_handle, cursor).row.diag.more)
    if more then
      filter.autobound[tonumber(more.cookie)] = true
    end
  end)
end

function Listing:run()
  local show = self.plan.show
  -- These two switch -o on.
  show.options = show.options or show.extended or show.bpf
  local write = output.captor and output.captor.write or output.put
  show.write = write
  users.show_threads(show.threads or false)
  self.sheet = layout.open({
    netid = show.netid,
    state = show.state,
    header = show.header,
    terminal = core.terminal_width(1),
    write = write,
  })
  if self.numbers[1] then
    -- In a captured tree a row that is not shown may end its text.
    local states = shortfall.proc_path and 0 or self.plan.states
    local filter = self.plan.filter
    if filter and filter.needs.autobound then
      find_autobound(self.numbers, filter)
    end
    local collected = set.collect(tables.mask(self.numbers), states, listing.flags(show, self.plan.has, filter), nil,
      C.SOCKQ_SOURCE_AUTO)
    if self.steps[2] or self.steps[1].name == "sctp" then
      self:in_turn(collected)
    else
      self:stream(self.steps[1], collected)
    end
  end
  self.sheet.finish()
end

-- The loop over rows with -i has more constants than LuaJIT lets a trace have by itself, which is 500.
local function allow_long_loops()
  jit.opt.start("maxirconst=1000")
end

--- Print what a plan asks for.
---@param plan sockq.ss.Plan
---@return integer  exit status
function listing.run(plan)
  -- What ss could not read it does not tell.
  local say = set.on_message
  set.on_message = nil
  local self = new_listing(plan)
  if plan.show.info then
    allow_long_loops()
  end
  self:run()
  set.on_message = say
  if self.failure then
    if say then
      say(self.failure)
    end
    return INCOMPLETE
  end
  return 0
end

return listing
