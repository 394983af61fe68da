-- Row sets: asking the collector, walking rows while they arrive, and what went wrong meanwhile.

local core = require("sockq.core")
local progress = require("sockq.progress")
local netns = require("sockq.netns")
local row = require("sockq.row")
local schema = require("sockq.schema")
local tables = require("sockq.tables")
local trace = require("sockq.trace")

local cast = require("ffi").cast
local C, BLOCK_ROWS = schema.C, schema.BLOCK_ROWS
local min = math.min

local set = {}

local command_line = core.command_line()
local client
local proc_path = command_line and command_line.proc
-- The recording that is read instead.
local replayed
local reads, READS_BEFORE_COLLECTING = 0, 16

--- Read another /proc from here on: a captured tree, or the live one for nil. For the module in a
--- stock luajit; the program takes --proc.
---@param path string|nil
function set.open(path)
  if command_line then
    error("sockq.open: the program reads one /proc a run; give it by --proc DIR", 2)
  end
  local opened, err = core.connect(path)
  if not opened then
    error(("sockq.open: %s: %s"):format(path or "/proc", err), 2)
  end
  client, proc_path, replayed = opened, path, nil
end

--- Read a snapshot of a recording from here on, or /proc again.
---@param from userdata|nil  its client
---@param path string|nil    what to call the recording in messages
function set.read(from, path)
  client, replayed = from, path
  -- A snapshot's memory is not LuaJIT's either: of many that are walked, those of before go here.
  reads = reads + 1
  if reads % READS_BEFORE_COLLECTING == 0 then
    collectgarbage()
    collectgarbage()
  end
end

--- What is called for every message about data that could not be read; nil keeps them in
--- set.messages alone.
---@type fun(message: string)|nil
set.on_message = nil

--- Messages so far, oldest first, each "WHERE: WHAT; REMEDY".
set.messages = {}

--- True once a table, row or folder could not be read as a whole.
set.incomplete = false

--- True once the collector has ended: no script is to blame for what follows.
set.lost = false

--- How the last reading of each table that was asked for ended: SOCKQ_TABLE_COMPLETE, _MISSING, _FAILED.
---@type table<integer, integer>  by table number
set.table_status = {}

--- True once what was read is a recording of such sockets only that met a condition.
set.selected = false

local told_refused = false

--- Tell of data that could not be read: "WHERE: WHAT; REMEDY".
---@param message string
local function tell(message)
  set.messages[#set.messages + 1] = message
  if set.on_message then
    set.on_message(message)
  end
end

set.tell = tell

--- The path of a file of /proc, for messages.
---@param below string  such as "net/snmp"
---@return string
function set.path(below)
  if replayed then
    return ("%s: /proc/%s"):format(replayed, below)
  end
  return ("%s/%s"):format(proc_path or "/proc", below)
end

-- The path of a table in a namespace, by their numbers; handle nil: in that of the reader.
local function path_of(number, handle, place)
  local file = "net/" .. tables.list[number].file
  local entry = handle and netns.entry(handle, place)
  if not entry then
    return set.path(file)
  end
  local path = set.path(entry.pid ~= 0 and entry.pid .. "/" .. file or file)
  local name = schema.text(handle, entry.name, entry.name_len)
  return name and ("%s (netns %s)"):format(path, name) or path
end

-- Root's collector reads a tree with the rights of nobody in particular.
local function make_readable()
  return ("make it readable for everybody: chmod -R a+rX %s"):format(proc_path)
end

local function what_then(problem)
  if problem.lost == 0 then
    return "read all the same"
  end
  return proc_path and problem.error == core.EACCES and make_readable() or "skipped"
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
    tell(("%s: %s; %s"):format(where, what, what_then(problem)))
    told[problem.table] = (told[problem.table] or 0) + 1
    problem = schema.problem(handle, problem.next)
  end
  for number = 0, C.SOCKQ_TABLES - 1 do
    local more = handle.set.tables[number].bad - (told[number] or 0)
    if more > 0 then
      local several = select(2, netns.entry(handle, 0)) > 1
      tell(("%s: %d more lines are bad; skipped"):format(several and set.path("*/net/" .. tables.list[number].file)
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
  return ("%s: %s; %s"):format(replayed or proc_path or "/proc", core.strerror(owners.error),
    schema.has(owners.odd, FAILED) and "a process could not be read: the owner of its sockets is unknown"
    or "owners are unknown")
end

local function tell_owners(owners)
  local failure = owners_failure(owners)
  if failure then
    tell(failure)
    set.incomplete = true
  elseif owners.refused + owners.shut > 0 and not told_refused then
    told_refused = true
    local is_root = command_line and command_line.euid == 0
    tell(("owners: %d of %d processes may not be read; %s"):format(owners.refused + owners.shut, owners.processes,
      replayed and "so it was when this was recorded"
      or proc_path and make_readable()
      or is_root and "they have capabilities that root lacks here" or "run as root to see theirs"))
  end
  for _, odd in ipairs(ODD) do
    if schema.has(owners.odd, odd[1]) then
      tell(("%s: %s; %s"):format(replayed or proc_path or "/proc", odd[2], odd[3] or "capture it with its links as links"))
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
      set.incomplete = true
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
    set.incomplete = true
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
      tell(("%s: %s; what it says is unknown"):format(set.path(core.fact_path(fact.file) or "?"), what))
    end
    fact = schema.fact(handle, fact.next)
  end
end

-- Names of unix sockets that forge rows: lines in them have their form.
local function tell_forged(handle)
  local header, path = handle.set, set.path("net/unix")
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

--- The header and memory of a row set.
---@return ffi.cdata*  sockq_set_handle
function set.handle(collected)
  return cast(schema.set_handle, collected)
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
      set.incomplete = true
      tell(("%s: %s; this kernel or capture has no such sockets"):format(path_of(numbers[1]),
        replayed and "not recorded" or core.strerror(core.ENOENT)))
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
function set.failure(handle)
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

--- Tell what a finished row set could not read.
---@param collected userdata
function set.note(collected)
  local handle = set.handle(collected)
  local header = handle.set
  if header.status == C.SOCKQ_SET_INCOMPLETE or header.status == C.SOCKQ_SET_FAILED then
    set.incomplete = true
  end
  set.selected = set.selected or header.filter ~= 0
  for number = 0, C.SOCKQ_TABLES - 1 do
    local status = tonumber(header.tables[number].status)
    if status ~= C.SOCKQ_TABLE_UNREAD then
      set.table_status[number] = status
    end
  end
  tell_problems(handle)
  tell_owners(header.owners)
  tell_netns(handle)
  tell_facts(handle)
  tell_forged(handle)
  tell_missing(header, debug.getfenv(collected).named or {})
  if header.status == C.SOCKQ_SET_FAILED then
    tell(collecting_stopped(header))
  end
end

-- Row sets that rows of a script keep alive. Their memory is not LuaJIT's, so its collector does
-- not feel their weight: past this many rows it is called.
local alive = setmetatable({}, { __mode = "k" })
local ROWS_BEFORE_COLLECTING = 200000

local function make_room()
  local rows = 0
  for _, handle in pairs(alive) do
    -- A set that was finalized stays here for one more cycle. Its pointer is read once: a finalizer
    -- may run between two reads. What it points to stays mapped.
    local header = handle.set
    if header ~= nil then
      rows = rows + tonumber(header.rows)
    end
  end
  if rows > ROWS_BEFORE_COLLECTING then
    collectgarbage()
    collectgarbage()
  end
end

-- Give a row set back at once unless a row of it was kept.
local function release(collected)
  if not debug.getfenv(collected).kept then
    alive[collected] = nil
    collected:release()
  end
end
set.release = release

local function fail(what, errno)
  set.lost = set.lost or errno == core.EPIPE
  error("rows cannot be collected: " .. what, 0)
end

--- Start a collection.
---@param table_mask number  a bit a table
---@param state_mask number  a bit a state of the inet tables, 0 for all
---@param flags number       request flags, SOCKQ_WITH_…
---@param named? integer[][]  groups of tables that may not all be missing
---@return userdata          the row set; rows arrive while it is read
function set.collect(table_mask, state_mask, flags, named)
  if not client then
    local err
    client, err = core.connect(proc_path)
    if not client then
      error(("%s: %s"):format(proc_path or "/proc", err), 0)
    end
  end
  make_room()
  local collected, err, errno = client:collect(table_mask, state_mask, flags)
  if not collected then
    fail(err, errno)
  end
  debug.getfenv(collected).named = named
  alive[collected] = cast(schema.set_handle, collected)
  return collected
end

local function wait(collected, seen)
  local rows, final, errno = progress.wait(collected, seen)
  if not rows then
    fail(tostring(final), errno)
  end
  return rows, final
end
set.wait = wait

-- Each walk gets a loop of its own, so that LuaJIT compiles it for that walk's functions. Two cursors
-- take turns, and one whose turn is over points nowhere: a cursor that was kept is found out at the
-- next row.
local WALK = [[
local min, rows_at, BLOCK_ROWS = ...
return function(collected, handle, cursor, lent, other, other_lent, visit, wait)
  local seen, known, final = 0, 0, false
  repeat
    known, final = wait(collected, seen)
    while seen < known do
      local first = seen % BLOCK_ROWS
      local rows = rows_at(handle, seen)
      local last = first + min(known - seen, BLOCK_ROWS - first) - 1
      for i = first, last do
        lent.row = rows + i
        local stop = visit(cursor)
        lent.row = nil
        if stop then
          return true
        end
        cursor, lent, other, other_lent = other, other_lent, cursor, lent
      end
      seen = seen + last - first + 1
    end
  until final and seen >= known
  return false
end
]]

-- Rows behind the walk make room for those to come, unless one of them was kept.
local function pass_and_wait(collected, seen)
  if not debug.getfenv(collected).kept then
    collected:passed(seen)
  end
  return wait(collected, seen)
end

--- Call visit(cursor) for every row as it arrives, until it returns true. The cursor is valid
--- during the call only. The row set is given back at the end unless a row of it was kept.
---@param finish? fun(handle: ffi.cdata*, stopped: boolean)  called before that, unless visit raised
---@param once? boolean  no row is looked at again once visit has returned, except by its keep()
---@return boolean  true if visit stopped the walk; the rest is then not collected
function set.each(collected, visit, finish, once)
  local handle = set.handle(collected)
  local cursor, lent = row.cursor(collected)
  local other, other_lent = row.cursor(collected)
  local walk = assert(load(WALK, "=walk", "t"))(min, schema.rows_at, BLOCK_ROWS)
  -- The other end of a row may be any row.
  once = once and not schema.has(handle.set.question.flags, C.SOCKQ_WITH_PEERS)
  local ok, stopped = xpcall(walk, trace.note, collected, handle, cursor, lent, other, other_lent, visit,
    once and pass_and_wait or wait)
  lent.row, other_lent.row = nil, nil
  progress.erase()
  local err = stopped
  if not ok or stopped then
    collected:cancel()
  else
    set.note(collected)
  end
  if ok and finish then
    ok, err = xpcall(finish, trace.note, handle, stopped)
  end
  release(collected)
  if not ok then
    error(err, 0)
  end
  return stopped
end

--- A function that gives the next row for which accept(cursor) is true, as a row of the caller's
--- own, and nil at the end. accept nil: every row.
function set.iterate(collected, accept)
  local handle = set.handle(collected)
  local cursor, lent = row.cursor(collected)
  local seen, known, final = 0, 0, false

  return function()
    while true do
      if seen >= known then
        if final then
          return nil
        end
        known, final = wait(collected, seen)
        if final then
          set.note(collected)
        end
      else
        local pointer = schema.rows_at(handle, seen) + seen % BLOCK_ROWS
        seen = seen + 1
        lent.row = pointer
        local accepted = not accept or accept(cursor)
        lent.row = nil
        if accepted then
          return row.fresh(collected, pointer)
        end
      end
    end
  end
end

return set
