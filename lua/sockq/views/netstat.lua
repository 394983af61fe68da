-- The netstat view: what netstat of net-tools 2.10 prints for sockets, byte for byte, but that
-- control bytes of names and paths print as dots. The column layouts are Lua tables:
-- netstat/inet.lua, netstat/unix.lua.

local core = require("sockq.core")
local escape = require("sockq.escape")
local inet = require("sockq.netstat.inet")
local layout = require("sockq.layout")
local names = require("sockq.netstat.names")
local options = require("sockq.netstat.options")
local output = require("sockq.output")
local plugin = require("sockq.plugin")
local progress = require("sockq.progress")
local schema = require("sockq.schema")
local sctp = require("sockq.netstat.sctp")
local set = require("sockq.set")
local tables = require("sockq.tables")
local timer = require("sockq.timer")
local unix = require("sockq.netstat.unix")

local C = schema.C
-- The one status that netstat does not have: it does not notice when it could not read or write all.
local INCOMPLETE = 3
local UNIX = C.SOCKQ_UNIX

-- netstat's order, with what its messages call a protocol. The IPv6 file follows its IPv4 twin.
local PROTOCOLS = {
  { name = "tcp", v4 = { C.SOCKQ_TCP }, v6 = { C.SOCKQ_TCP6 }, missing = "AF INET (tcp)", bogus = "tcp" },
  { name = "sctp", v4 = { C.SOCKQ_SCTP_EPS, C.SOCKQ_SCTP_ASSOCS }, v6 = {}, missing = "AF INET (sctp)" },
  { name = "udp", v4 = { C.SOCKQ_UDP }, v6 = { C.SOCKQ_UDP6 }, missing = "AF INET (udp)", bogus = "udp" },
  { name = "udplite", v4 = { C.SOCKQ_UDPLITE }, v6 = { C.SOCKQ_UDPLITE6 }, missing = "AF INET (udplite)",
    bogus = "udp" },
  { name = "raw", v4 = { C.SOCKQ_RAW }, v6 = { C.SOCKQ_RAW6 }, missing = "AF INET (raw)", bogus = "raw" },
}
local BOGUS = { [C.SOCKQ_SCTP_EPS] = "sctp eps", [C.SOCKQ_SCTP_ASSOCS] = "sctp assoc", [UNIX] = "unix" }

local function warn(text)
  progress.erase()
  io.stderr:write(text .. "\n")
end


-- The third word of the headers.
local function which(chosen)
  if chosen.all then
    return "(servers and established)"
  end
  return chosen.listening and "(only servers)" or "(w/o servers)"
end

-- Whether the listing has the section of tcp and its like, be it empty.
local function lists_inet(chosen)
  for _, protocol in ipairs(PROTOCOLS) do
    if chosen[protocol.name] then
      return true
    end
  end
  return false
end

-- The tables to read, in order: { number, protocol or nil, is_v6 }.
local function plan(chosen)
  local steps = {}
  for _, protocol in ipairs(PROTOCOLS) do
    if chosen[protocol.name] then
      for i, number in ipairs(chosen.inet and protocol.v4 or {}) do
        -- Of the two SCTP files -l reads the first, no option the second, -a both.
        local read = #protocol.v4 == 1 or chosen.all or (i == 1) == (chosen.listening or false)
        if read then
          steps[#steps + 1] = { number = number, protocol = protocol }
        end
      end
      for _, number in ipairs(chosen.inet6 and protocol.v6 or {}) do
        steps[#steps + 1] = { number = number, protocol = protocol, is_v6 = true }
      end
      BOGUS[protocol.v4[1]] = BOGUS[protocol.v4[1]] or protocol.bogus
    end
  end
  if chosen.unix then
    steps[#steps + 1] = { number = UNIX }
  end
  return steps
end

local function bogus_name(step)
  return BOGUS[step.number] or step.protocol.bogus
end

-- Lines of a table that netstat would call bogus: what is wrong with the first line alone it never sees.
-- And whether the file is none that can be read.
local function bogus_lines(handle, number)
  local count = handle.set.tables[number].bad + handle.set.tables[number].continued
  local irregular = false
  local problem = schema.problem(handle, handle.set.problems)
  while problem do
    if problem.table == number then
      if problem.line == 0 or (problem.line == 1 and problem.reason < C.SOCKQ_BAD_WRONG_TABLE) then
        count = count - 1
      end
      irregular = irregular or problem.reason == C.SOCKQ_BAD_FILE_TYPE
    end
    problem = schema.problem(handle, problem.next)
  end
  return count, irregular
end

-- What a table that could not be opened means: nil, or the exit status after this protocol.
local function missing(step, info, chosen, irregular)
  local quiet_error = info.error == core.ENOENT or info.error == core.EACCES
  if step.is_v6 then
    return nil
  elseif not quiet_error then
    warn(("/proc/net/%s: %s"):format(tables.list[step.number].file,
      irregular and core.problem_text(C.SOCKQ_BAD_FILE_TYPE) or core.strerror(info.error)))
    return 255
  end
  local named = not chosen.by_default
  if chosen.quiet or not (named or chosen.verbose) then
    return nil
  end
  warn(("netstat: no support for `%s' on this system."):format(step.protocol and step.protocol.missing or "AF UNIX"))
  return named and 1 or nil
end

-- One listing of the tables of a plan.
local Listing = {}
Listing.__index = Listing

local function new_listing(chosen, format_timer)
  local columns = inet.columns(chosen, format_timer)
  local unix_columns = unix.columns(chosen)
  return setmetatable({
    chosen = chosen,
    steps = plan(chosen),
    at = 0,
    status = 0,
    write = output.captor and output.captor.write or output.put,
    inet_header = layout.header(columns),
    inet_line = layout.line(columns),
    unix_header = layout.header(unix_columns),
    unix_line = layout.line(unix_columns),
  }, Listing)
end

-- A table that failed ends the listing, but for the IPv6 file of its protocol.
function Listing:goes_on(step)
  return self.status == 0 or (self.status == 1 and step.is_v6 and step.protocol == self.failed)
end

-- Finish the steps before the one that reads `number`, or all of them for nil.
function Listing:advance(handle, number)
  while true do
    local step = self.steps[self.at]
    if step and step.number == number then
      return
    elseif step and step.active then
      self:finish_step(handle, step)
    end
    self.at = self.at + 1
    step = self.steps[self.at]
    if not step then
      return
    end
    step.active = self:goes_on(step)
    if step.active and step.number == UNIX then
      self.write("Active UNIX domain sockets " .. which(self.chosen) .. "\n" .. self.unix_header)
    end
  end
end

function Listing:finish_step(handle, step)
  local info = handle.set.tables[step.number]
  local bogus, irregular = bogus_lines(handle, step.number)
  for _ = 1, bogus do
    warn(("warning, got bogus %s line."):format(bogus_name(step)))
  end
  if info.status == C.SOCKQ_TABLE_MISSING or (info.status == C.SOCKQ_TABLE_FAILED and (info.error ~= 0 or irregular)) then
    local status = missing(step, info, self.chosen, irregular)
    if status then
      self.status, self.failed = status, step.protocol
    end
  end
end

local function warn_of_owners(owners)
  if owners.error ~= 0 or (owners.refused > 0 and owners.sockets == 0) then
    warn(('(No info could be read for "-p": geteuid()=%d but you should be root.)')
      :format(core.command_line().euid))
  elseif owners.refused > 0 then
    warn("(Not all processes could be identified, non-owned process info\n"
      .. " will not be shown, you would have to be root to see it all.)")
  end
end

function Listing:show(row, handle, cursor)
  local number = row.table
  if schema.has(row.flags, C.SOCKQ_ROW_FIRST_LINE) then
    return
  elseif inet.kinds[number] then
    if inet.shown(row, self.chosen) then
      self.write(self.inet_line(row, handle, cursor))
    end
  elseif number == UNIX then
    if unix.shown(row, self.chosen) then
      self.write(self.unix_line(row, handle, cursor))
    end
  elseif sctp.shown(row, self.chosen) then
    self.write(sctp.text(row, handle, self.chosen))
  end
end

function Listing:run()
  local numbers = {}
  for i, step in ipairs(self.steps) do
    numbers[i] = step.number
  end
  if lists_inet(self.chosen) then
    self.write("Active Internet connections " .. which(self.chosen) .. "\n" .. self.inet_header)
  end
  if #numbers == 0 then
    return
  end
  names.new_listing()
  local flags = C.SOCKQ_KEEP_DUPLICATES + (self.chosen.programs and C.SOCKQ_WITH_OWNERS or 0)
  local collected = set.collect(tables.mask(numbers), 0, flags)
  local handle = set.handle(collected)
  local lent_type, cast = schema.row_handle, require("ffi").cast
  local current = -1
  set.each(collected, function(cursor)
    local row = cast(lent_type, cursor).row
    if row.table ~= current then
      current = row.table
      self:advance(handle, current)
    end
    if self.steps[self.at].active then
      self:show(row, handle, cursor)
    end
  end, function()
    self:advance(handle, nil)
    if self.chosen.programs then
      warn_of_owners(handle.set.owners)
    end
    self.failure = set.failure(handle)
  end, true)
end

-- Families that netstat knows and no current kernel has.
local GONE = { { "ipx", "AF IPX" }, { "ax25", "AF AX25" }, { "x25", "AF X25" }, { "netrom", "AF NETROM" },
  { "rose", "AF ROSE" } }

local function other_families(chosen)
  for _, family in ipairs(GONE) do
    if chosen[family[1]] or (chosen.by_default and chosen.verbose) then
      warn(("netstat: no support for `%s' on this system."):format(family[2]))
    end
    if chosen[family[1]] then
      return 1
    end
  end
  if chosen.bluetooth then
    warn("netstat: feature `AF BLUETOOTH' not supported.\n"
      .. "Please recompile `net-tools' with newer kernel source or full configuration.")
    return 1
  end
  return 0
end

local function list_until_told(chosen, format_timer, say)
  repeat
    local listing = new_listing(chosen, format_timer)
    listing:run()
    local status = listing.status
    if listing.failure then
      say(listing.failure)
      return INCOMPLETE
    elseif status == 0 then
      status = other_families(chosen)
    end
    if status ~= 0 or not chosen.continuous then
      return status
    end
    io.stdout:flush()
    core.sleep(1)
  until core.interrupted()
  return 0
end

local function run(args)
  local chosen, ends = options.parse(args)
  if ends then
    output.write(ends.out or "")
    io.stderr:write(ends.err or "")
    return ends.status
  end
  local timer_name = timer.chosen or "netstat"
  local format_timer, wrong = timer.formatter(timer_name)
  if not format_timer then
    error(wrong, 0)
  elseif not plugin.is_built_in("timers", timer_name) then
    -- Somebody's own may print names of processes.
    local format = format_timer
    format_timer = function(row) return escape.dots(format(row)) end
  end
  if chosen.continuous and output.captor then
    error("netstat -c: it looks again by itself; leave out -c", 0)
  end
  -- netstat's own messages say what the kernel or a capture holds.
  local say = set.on_message
  set.on_message = nil
  local status = list_until_told(chosen, format_timer, say)
  set.on_message = say
  return status
end

return {
  doc = "as netstat of net-tools 2.10 lists sockets: sockq netstat -antpo",
  run = run,
}
