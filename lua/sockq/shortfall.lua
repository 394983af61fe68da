-- What a row set could not read, in words: "WHERE: WHAT; REMEDY". set.lua says where it was read from.

local core = require("sockq.core")
local netns = require("sockq.netns")
local schema = require("sockq.schema")
local tables = require("sockq.tables")

local C = schema.C

local shortfall = {}

--- The captured tree that is read, nil for the live /proc.
---@type string|nil
shortfall.proc_path = nil

--- What to call the recording that is read instead, nil if none is.
---@type string|nil
shortfall.recording = nil

local told_refused = false

-- Where a message goes, and whether what was told of is less than what was asked for.
local tell, is_incomplete

local command_line = core.command_line()

--- The path of a file of /proc, for messages.
---@param below string  such as "net/snmp"
---@return string
function shortfall.path(below)
  if shortfall.recording then
    return ("%s: /proc/%s"):format(shortfall.recording, below)
  end
  return ("%s/%s"):format(shortfall.proc_path or "/proc", below)
end

-- The path of a table in a namespace, by their numbers; handle nil: in that of the reader.
local function path_of(number, handle, place)
  local of = tables.list[number]
  if not of.file or (handle and handle.set.tables[number].source == C.SOCKQ_SOURCE_DIAG) then
    return "sock_diag: " .. of.proto
  end
  local file = "net/" .. of.file
  local entry = handle and netns.entry(handle, place)
  if not entry then
    return shortfall.path(file)
  end
  local path = shortfall.path(entry.pid ~= 0 and entry.pid .. "/" .. file or file)
  local name = schema.text(handle, entry.name, entry.name_len)
  return name and ("%s (netns %s)"):format(path, name) or path
end

-- Root's collector reads a tree with the rights of nobody in particular.
local function make_readable()
  return ("make it readable for everybody: chmod -R a+rX %s"):format(shortfall.proc_path)
end

local function what_then(problem)
  if problem.lost == 0 then
    return "read all the same"
  end
  return shortfall.proc_path and problem.error == core.EACCES and make_readable() or "skipped"
end

local function tell_problems(handle)
  local told = {}
  local problem = schema.problem(handle, handle.set.problems)
  while problem do
    local where = path_of(problem.table, handle, problem.netns)
    if problem.line > 0 then
      where = where .. ":" .. problem.line
    end
    local what = core.problem_text(problem.reason)
    if problem.error ~= 0 then
      what = what .. ": " .. core.strerror(problem.error)
    end
    -- events.lua adds them up.
    if problem.reason ~= C.SOCKQ_BAD_OVERRUN then
      tell(("%s: %s; %s"):format(where, what, what_then(problem)))
    end
    told[problem.table] = (told[problem.table] or 0) + 1
    problem = schema.problem(handle, problem.next)
  end
  for number = 0, C.SOCKQ_TABLES - 1 do
    local more = handle.set.tables[number].bad - (told[number] or 0)
    if more > 0 then
      local several = select(2, netns.entry(handle, 0)) > 1
      tell(("%s: %d more lines are bad; skipped"):format(several and tables.list[number].file and
        shortfall.path("*/net/" .. tables.list[number].file)
        or path_of(number, handle, 0), more))
    end
  end
end

-- What only a damaged capture holds, by the bits of owners.odd.
local ODD = {
  { 1, "the entry of a process is no folder" },
  { 2, "the entry of a descriptor is no symbolic link" },
  { 4, "a descriptor leads to a socket whose inode is no 64-bit number" },
  { 8, "cmdline, comm, cgroup or stat of a process is no file but a FIFO, a device or a folder", "capture it as a file" },
  { 32, "cgroup of a process has a line that is not ID:CONTROLLERS:PATH", "capture it as /proc has it" },
}

-- The bit of owners.odd for a process that could not be read; owners.error is why.
local FAILED = 16

-- Why owners are missing that only want of memory or descriptors, or a broken disk, explains.
local function owners_failure(owners)
  if owners.error == 0 then
    return nil
  end
  return ("%s: %s; %s"):format(shortfall.recording or shortfall.proc_path or "/proc", core.strerror(owners.error),
    schema.has(owners.odd, FAILED) and "a process could not be read: the owner of its sockets is unknown"
    or "owners are unknown")
end

local function tell_owners(owners)
  local failure = owners_failure(owners)
  if failure then
    tell(failure)
    is_incomplete = true
  elseif owners.refused + owners.shut > 0 and not told_refused then
    told_refused = true
    local is_root = command_line and command_line.euid == 0
    tell(("owners: %d of %d processes may not be read; %s"):format(owners.refused + owners.shut, owners.processes,
      shortfall.recording and "so it was when this was recorded"
      or shortfall.proc_path and make_readable()
      or is_root and "they have capabilities that root lacks here" or "run as root to see theirs"))
  end
  for _, odd in ipairs(ODD) do
    if schema.has(owners.odd, odd[1]) then
      tell(("%s: %s; %s"):format(shortfall.recording or shortfall.proc_path or "/proc", odd[2],
        odd[3] or "capture it with its links as links"))
    end
  end
end

-- Why nothing was read of a namespace, by entry.error: what was asked for is not whole.
local NETNS_ERROR = {
  [core.EACCES] = { "no process of it may be read", "run as root" },
  [core.ESRCH] = { "the last process of it has ended", "its sockets are not shown" },
  [core.ENOENT] = { "no process of it has a folder net/", "capture it as well" },
}

local told_netns = {}

-- Of all namespaces: those that have a name and nothing through which they may be read.
local function tell_dark(names)
  local which = #names == 1 and "the namespace " .. names[1] .. " has"
    or ("%d namespaces, such as %s, have"):format(#names, names[1])
  return ("--netns all: %s no process that may be read; run as root, and anew for one made since"):format(which)
end

local function tell_netns(handle)
  local header, dark, told = handle.set, {}, {}
  for number = 0, select(2, netns.entry(handle, 0)) - 1 do
    local entry = netns.entry(handle, number)
    local why = NETNS_ERROR[tonumber(entry.error)]
    if why then
      is_incomplete = true
      told[#told + 1] = ("netns %s: %s; %s"):format(netns.name(handle, number) or netns.inode(handle, number) or
        entry.first, why[1], why[2])
    elseif entry.error ~= 0 then
      dark[#dark + 1] = netns.name(handle, number)
    end
  end
  if dark[1] then
    told[#told + 1] = tell_dark(dark)
  end
  if header.netns_refused > 0 then
    told[#told + 1] = ("--netns: the namespaces of %d processes may not be read; run as root to see theirs"):format(
      header.netns_refused)
  end
  if header.netns_left > 0 then
    is_incomplete = true
    told[#told + 1] = ("--netns: %d namespaces are more than can be told apart; name some of them"):format(
      header.netns_left)
  end
  for _, message in ipairs(told) do
    if not told_netns[message] then
      told_netns[message] = true
      tell(message)
    end
  end
end

local function tell_facts(handle)
  local fact = schema.fact(handle, handle.set.facts)
  while fact do
    if fact.error ~= 0 then
      local what = fact.error == core.EINVAL and core.problem_text(C.SOCKQ_BAD_FILE_TYPE) or core.strerror(fact.error)
      tell(("%s: %s; what it says is unknown"):format(shortfall.path(core.fact_path(fact.file) or "?"), what))
    end
    fact = schema.fact(handle, fact.next)
  end
end

-- Names of unix sockets that forge rows: lines in them have their form.
local function tell_forged(handle)
  local header, path = handle.set, shortfall.path("net/unix")
  if header.forged > 0 then
    tell(("%s: %s of names of sockets; left out, sockq -x 'suspect == \"forges\"' lists whose"):format(path,
      header.forged == 1 and "1 line in the form of a row is text" or header.forged .. " lines in the form of rows are text"))
  end
  if header.suspect > 0 then
    tell(("%s: %s; shown without owner, sockq -x 'suspect ~= \"joined\"' lists what is odd"):format(path,
      header.suspect == 1 and "1 row may be text of the name of another socket"
      or header.suspect .. " rows may be text of names of other sockets"))
  end
end

-- A table that the kernel lacks is an empty table, unless the user named it.
local function tell_missing(header, named)
  for _, numbers in ipairs(named) do
    local missing = 0
    for _, number in ipairs(numbers) do
      if header.tables[number].status == C.SOCKQ_TABLE_MISSING then
        missing = missing + 1
      end
    end
    if missing == #numbers then
      is_incomplete = true
      tell(("%s: %s; this kernel or capture has no such sockets"):format(path_of(numbers[1]),
        shortfall.recording and "not recorded" or core.strerror(core.ENOENT)))
    end
  end
end

local function collecting_stopped(header)
  return ("collecting stopped: %s; what was read before is shown"):format(header.error == core.EDQUOT
    and "the rows that are kept fill half of this machine's memory" or core.strerror(header.error))
end

--- What broke off, whatever the kernel or a capture holds: memory or descriptors that ran out, a table
--- that could not be read to its end. For views that stand in for another program, whose messages of
--- all else are its own.
---@param handle ffi.cdata*  of a finished row set
---@return string|nil  # "WHERE: WHAT; REMEDY"
function shortfall.failure(handle)
  local header = handle.set
  if header.status == C.SOCKQ_SET_FAILED then
    return collecting_stopped(header)
  end
  for number = 0, C.SOCKQ_TABLES - 1 do
    local info = header.tables[number]
    local is_failure = core.is_failure(info.error) or info.error == core.EACCES
    if info.status == C.SOCKQ_TABLE_FAILED and is_failure then
      return ("%s: %s; what was read before is shown"):format(path_of(number, handle, 0), core.strerror(info.error))
    end
  end
  return owners_failure(header.owners)
end

-- The tables that sock_diag was asked for and does not tell of, by the reason: { { errno, { proto, … } }, … }
local function refusals(header, status)
  local list = {}
  for number = 0, C.SOCKQ_TABLES - 1 do
    local info = header.tables[number]
    if info.refusal ~= 0 and (info.status == C.SOCKQ_TABLE_MISSING) == (status == "missing") and tables.list[number].file then
      local last = list[#list]
      if not last or last[1] ~= info.refusal then
        last = { info.refusal, {} }
        list[#list + 1] = last
      end
      last[2][#last[2] + 1] = tables.list[number].proto
    end
  end
  return list
end

local function tell_refusals(header)
  if header.question.source ~= C.SOCKQ_SOURCE_DIAG then
    return
  end
  for _, refusal in ipairs(refusals(header, "missing")) do
    is_incomplete = true
    tell(("sock_diag: %s: %s; --source auto reads /proc where sock_diag does not tell"):format(
      table.concat(refusal[2], ", "), core.strerror(refusal[1])))
  end
end

--- Tell which tables were read from /proc because sock_diag does not tell of them.
---@param header ffi.cdata*  struct sockq_set
---@param say fun(message: string)
function shortfall.tell_sources(header, say)
  for _, refusal in ipairs(refusals(header, "read")) do
    say(("sock_diag: %s: %s; read from /proc"):format(table.concat(refusal[2], ", "), core.strerror(refusal[1])))
  end
end

--- Tell what a finished row set could not read.
---@param handle ffi.cdata*  sockq_set_handle
---@param named integer[][]  the numbers of tables that were asked for by name
---@param to fun(message: string)
---@return boolean  # whether something that was asked for is not all there
function shortfall.tell(handle, named, to)
  local header = handle.set
  tell, is_incomplete = to, false
  tell_problems(handle)
  tell_owners(header.owners)
  tell_netns(handle)
  tell_facts(handle)
  tell_forged(handle)
  tell_missing(header, named)
  tell_refusals(header)
  if header.status == C.SOCKQ_SET_FAILED then
    tell(collecting_stopped(header))
  end
  return is_incomplete
end

return shortfall
