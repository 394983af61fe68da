-- Owners of sockets: from a row to the processes that hold it.
--
-- A row set that was collected with owners has them in its rows. For another one they are read the
-- first time that a script asks for an owner: one more pass over /proc/PID/fd, once a row set.

local cgroup = require("sockq.cgroup")
local progress = require("sockq.progress")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local tonumber = tonumber
local HAS_INODE, NO_OWNER = tonumber(C.SOCKQ_HAS_INODE), tonumber(C.SOCKQ_ROW_NO_OWNER)
local WITH_OWNERS = tonumber(C.SOCKQ_WITH_OWNERS)
local OWNER_FLAGS = tonumber(C.SOCKQ_OWNER_FLAGS)

local owner = {}

-- Read all owners and join them to a row set: { set = handle, [inode] = arena offset }.
local function read_late(environment, flags)
  local client = environment[1]
  local set, err = client:collect(0, 0, flags)
  if not set then
    error("owners cannot be read: " .. err, 0)
  end
  if not progress.wait_to_end(set) then
    error("owners cannot be read: interrupted", 0)
  end
  local handle = require("ffi").cast(schema.set_handle, set)
  local late = { handle = handle, set = set, flags = flags }
  local holder = schema.holder(handle, handle.set.owners.holders)
  while holder do
    late[tonumber(holder.inode)] = tonumber(holder.owner)
    holder = schema.holder(handle, holder.next)
  end
  require("sockq.set").note(set)
  return late
end

-- Whether what was asked of a set holds what flags want; who an owner is comes with all that is read
-- of owners.
local function answers(asked, flags)
  if flags == WITH_OWNERS then
    return has(asked, OWNER_FLAGS)
  end
  return bit.band(asked, flags) == flags
end

local function late_owner(row, flags, userdata)
  local environment = debug.getfenv(userdata)
  local late = environment.late
  if not late or not answers(late.flags, flags) then
    late = read_late(environment, bit.bor(late and late.flags or 0, flags))
    environment.late = late
  end
  return late[tonumber(row.inode)] or 0, late.handle
end

--- The first owner of a row.
---@param row ffi.cdata*      sockq_row
---@param set ffi.cdata*      sockq_set_handle
---@param userdata userdata   the row as Lua sees it
---@param flags? number       what is needed of an owner: SOCKQ_WITH_OWNERS, the default, or others
---@return ffi.cdata*|nil owner, ffi.cdata* set  # and the set whose arena it is in
local function first(row, set, userdata, flags)
  flags = flags or WITH_OWNERS
  if not has(row.known, HAS_INODE) or has(row.flags, NO_OWNER) then
    return nil, set
  end
  local offset = row.owner
  if not answers(set.set.question.flags, flags) then
    offset, set = late_owner(row, flags, userdata)
  end
  return schema.owner(set, offset), set
end
owner.first = first

-- Where a group counts a socket once for each owner: the row, and the owner whose turn it is.
local turn_row, turn, turn_set
-- The row, its first owner and the set of that which shared() saw last.
local shared_row, shared_owner, shared_set

--- The owner that a row's fields tell of: the first, or the one whose turn it is.
---@return ffi.cdata*|nil owner, ffi.cdata* set  # as of owner.first
function owner.lead(row, set, userdata, flags)
  if turn_row and turn_row == row then
    return turn, turn_set
  end
  -- No tail call: LuaJIT takes 15 of them for a loop in a trace.
  local entry, arena = first(row, set, userdata, flags)
  return entry, arena
end

--- Whether there is more than one descriptor of a row.
---@return true|nil
function owner.shared(row, set, userdata, flags)
  local entry, arena = first(row, set, userdata, flags)
  if entry and tonumber(entry.next) ~= 0 then
    shared_row, shared_owner, shared_set = row, entry, arena
    return true
  end
end

local function take_turn(visit, userdata, number)
  visit(userdata, number)
  turn = schema.owner(turn_set, turn.next)
  return turn
end

--- Call visit(userdata, number) once for each descriptor of the row that shared() was true for; fields
--- of the owner tell of that one meanwhile. Where visit raises an error, the caller ends the turns.
function owner.turns(visit, userdata, number)
  turn_row, turn, turn_set = shared_row, shared_owner, shared_set
  -- A loop in here would keep LuaJIT from compiling the one over the rows: few sockets have so many.
  if take_turn(visit, userdata, number) and take_turn(visit, userdata, number)
      and take_turn(visit, userdata, number) and take_turn(visit, userdata, number) then
    while take_turn(visit, userdata, number) do end
  end
  owner.end_turns()
end

--- From here on fields tell of first owners again.
function owner.end_turns()
  turn_row, turn, turn_set = nil, nil, nil
  shared_row, shared_owner, shared_set = nil, nil, nil
end

--- How many processes have a row's socket; nil where no owner is known.
---@return integer|nil
function owner.count(row, set, userdata)
  local entry, arena = first(row, set, userdata)
  if not entry then
    return nil
  elseif tonumber(entry.next) == 0 then
    return 1
  end
  local seen, count = {}, 0
  while entry do
    local process = tonumber(entry.process)
    if not seen[process] then
      seen[process], count = true, count + 1
    end
    entry = schema.owner(arena, entry.next)
  end
  return count
end

--- The process of an owner, as a struct sockq_process.
function owner.process(set, entry)
  return (schema.process(set, entry.process))
end

--- A process's program name: argv[0] without its folders, or comm where there is no cmdline.
---@return string|nil
function owner.program(set, process)
  return schema.text(set, process.program, process.program_len)
end

--- A process's command line, arguments joined by blanks.
---@return string|nil
function owner.cmdline(set, process)
  local text = schema.text(set, process.cmdline, process.cmdline_len)
  return text and (text:gsub("%z", " "))
end

--- A process's cgroup: the path in the unified hierarchy, else that of the first line.
--- Source: cgroups(7), /proc/PID/cgroup: "ID:CONTROLLERS:PATH".
---@return string|nil
function owner.cgroup(set, process)
  local text = schema.text(set, process.cgroup, process.cgroup_len)
  if not text then
    return nil
  end
  return text:match("^0::([^\n]*)") or text:match("\n0::([^\n]*)") or
    text:match("^[^:\n]*:[^:\n]*:([^\n]*)")
end

-- As many sets are remembered at a time: a look and the one before, and what a script compares.
local MOST_SETS = 4

--- A reader of a process that remembers what it gave, so that a row costs no more than a look into a
--- table: of all sockets many have one process.
---@param read fun(set: ffi.cdata*, process: ffi.cdata*): string|nil
---@return fun(set: ffi.cdata*, process: ffi.cdata*, entry: ffi.cdata*): string|nil
function owner.remembered(read)
  local by_set, count, serial, values = {}, 0, 0, {}
  local function turn_to(set)
    serial = set.serial
    values = by_set[serial]
    if not values then
      if count == MOST_SETS then
        by_set, count = {}, 0
      end
      values = {}
      by_set[serial], count = values, count + 1
    end
  end
  local function look(set, process, key)
    local value = read(set, process) or false
    values[key] = value
    return value
  end
  return function(set, process, entry)
    if set.serial ~= serial then
      turn_to(set)
    end
    -- Negative, so that the table has no array part: LuaJIT does not compile a mixed one.
    local key = -1 - tonumber(entry.process)
    local value = values[key]
    if value == nil then
      value = look(set, process, key)
    end
    return value or nil
  end
end

local function of_cgroup(name)
  return function(set, process)
    local text = schema.text(set, process.cgroup, process.cgroup_len)
    return text and cgroup.facts(text)[name]
  end
end

--- What a process's cgroup tells; see cgroup.lua.
owner.unit, owner.container, owner.runtime, owner.pod =
  of_cgroup("unit"), of_cgroup("container"), of_cgroup("runtime"), of_cgroup("pod")

--- The kernel's name of a process: that of its program file, at most 15 bytes, or what it set.
---@return string|nil
function owner.comm(set, process)
  return schema.text(set, process.comm, process.comm_len)
end

--- The program file of a process as the kernel names it: " (deleted)" behind it when it is gone.
---@return string|nil  # unknown without the permission to read it, and of kernel threads
function owner.exe(set, process)
  return schema.text(set, process.exe, process.exe_len)
end

--- When a process was started, in seconds after the epoch. The kernel counts from the machine's
--- start, whose time follows its clock when that is set.
---@return number|nil
function owner.started(set, process)
  local boot = tonumber(set.set.owners.boot_time)
  if boot == 0 or not has(process.flags, C.SOCKQ_PROCESS_STARTED) then
    return nil
  end
  return boot + tonumber(process.started) / set.set.user_hz
end

--- Every owner of a row: { { pid, fd, program, cmdline }, … }, empty if none is known.
function owner.all(row, set, userdata)
  local list = {}
  local entry, arena = first(row, set, userdata)
  while entry do
    local process = owner.process(arena, entry)
    list[#list + 1] = {
      pid = process.pid,
      fd = entry.fd,
      program = owner.program(arena, process),
      cmdline = owner.cmdline(arena, process),
    }
    entry = schema.owner(arena, entry.next)
  end
  return list
end

--- Why a row has no owner; nil if it has one.
---@return string|nil
function owner.why(row, set, userdata)
  local entry, arena = first(row, set, userdata)
  if entry then
    return nil
  elseif has(row.flags, C.SOCKQ_ROW_MINI) then
    return "the process has closed it: the kernel keeps a mini-socket without inode"
  elseif has(row.flags, C.SOCKQ_ROW_REQUEST) then
    return "a connection request: no process has it yet"
  elseif not has(row.known, HAS_INODE) then
    return "no inode: not accepted yet, or closed by its process, or the kernel's own"
  elseif row.table == C.SOCKQ_UNIX and has(row.flags, C.SOCKQ_ROW_REPEATED) then
    return "an earlier row has its inode: a unix name may have forged this one"
  elseif has(row.flags, NO_OWNER) then
    return "the unix name before it may have forged this row"
  elseif arena.set.owners.error ~= 0 then
    return has(arena.set.owners.odd, 16) and "a process could not be read" or "the processes could not be listed"
  elseif arena.set.owners.refused + arena.set.owners.shut > 0 then
    return ("no permission to read %d processes"):format(arena.set.owners.refused + arena.set.owners.shut)
  end
  return "no process has it: closed meanwhile, in flight, the kernel's own, or of another PID namespace"
end

return owner
