-- Row sets: asking the collector, walking rows while they arrive.

local core = require("sockq.core")
local progress = require("sockq.progress")
local row = require("sockq.row")
local schema = require("sockq.schema")
local shortfall = require("sockq.shortfall")
local trace = require("sockq.trace")

local ffi = require("ffi")

local cast, ffi_string = ffi.cast, ffi.string
local NARROW_SIZE = ffi.sizeof("struct sockq_narrow")
local C, BLOCK_ROWS = schema.C, schema.BLOCK_ROWS
local min = math.min

local set = {}

local command_line = core.command_line()
local client
shortfall.proc_path = command_line and command_line.proc
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
  client, shortfall.proc_path, shortfall.recording = opened, path, nil
end

--- Read a snapshot of a recording from here on, or /proc again.
---@param from userdata|nil  its client
---@param path string|nil    what to call the recording in messages
function set.read(from, path)
  client, shortfall.recording = from, path
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

--- Called before sockets are read.
---@type fun()|nil
set.before_reading = nil

--- True if it is told what rows are from, where that is not what was to be expected.
set.verbose = false

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

--- Tell of data that could not be read: "WHERE: WHAT; REMEDY".
---@param message string
function set.tell(message)
  set.messages[#set.messages + 1] = message
  if set.on_message then
    set.on_message(message)
  end
end

--- What broke off: shortfall.failure().
set.failure = shortfall.failure

--- The path of a file of /proc, for messages: shortfall.path().
set.path = shortfall.path

--- The header and memory of a row set.
---@return ffi.cdata*  sockq_set_handle
function set.handle(collected)
  return cast(schema.set_handle, collected)
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
  if shortfall.tell(handle, debug.getfenv(collected).named or {}, set.tell) then
    set.incomplete = true
  end
  if set.verbose and set.on_message then
    shortfall.tell_sources(header, set.on_message)
  end
end

-- Row sets that rows of a script keep alive. Their memory is not LuaJIT's, so its collector does
-- not feel their weight: past this many rows it is called.
local alive = setmetatable({}, { __mode = "k" })
local ROWS_BEFORE_COLLECTING = 200000

local function make_room()
  local rows = 0
  for _, entry in pairs(alive) do
    -- A set that was finalized stays here for one more cycle. Its pointer is read once: a finalizer
    -- may run between two reads. What it points to stays mapped as long as its client is held.
    local header = entry.handle.set
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
---@param source? integer    SOCKQ_SOURCE_AUTO, _PROC (default) or _DIAG
---@param narrow? ffi.cdata*  struct sockq_narrow: rows that do not meet it may be left out
---@param subscription? integer  of SOCKQ_FOLLOW: the one to go on with
---@return userdata          the row set; rows arrive while it is read
function set.collect(table_mask, state_mask, flags, named, source, narrow, subscription)
  if not client then
    local err
    client, err = core.connect(shortfall.proc_path)
    if not client then
      error(("%s: %s"):format(shortfall.proc_path or "/proc", err), 0)
    end
  end
  if set.before_reading then
    set.before_reading()
  end
  make_room()
  local collected, err, errno = client:collect(table_mask, state_mask, flags, source or C.SOCKQ_SOURCE_PROC,
    narrow and ffi_string(narrow, NARROW_SIZE), subscription)
  if not collected then
    fail(err, errno)
  end
  debug.getfenv(collected).named = named
  alive[collected] = { handle = cast(schema.set_handle, collected), client = client }
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

local function idle_and_wait(idle)
  return function(collected, seen)
    idle()
    return pass_and_wait(collected, seen)
  end
end

--- Call visit(cursor) for every row as it arrives, until it returns true. The cursor is valid
--- during the call only. The row set is given back at the end unless a row of it was kept.
---@param finish? fun(handle: ffi.cdata*, stopped: boolean)  called before that, unless visit raised
---@param once? boolean  no row is looked at again once visit has returned, except by its keep()
---@param following? table  idle(): before rows are waited for; ended(is_last): in the place of what is
---   told of a set that is read; is_last: visit stopped the walk, or raised
---@return boolean  true if visit stopped the walk; the rest is then not collected
function set.each(collected, visit, finish, once, following)
  local handle = set.handle(collected)
  local cursor, lent = row.cursor(collected)
  local other, other_lent = row.cursor(collected)
  local walk = assert(load(WALK, "=walk", "t"))(min, schema.rows_at, BLOCK_ROWS)
  -- The other end of a row may be any row.
  once = once and not schema.has(handle.set.question.flags, C.SOCKQ_WITH_PEERS)
  local ok, stopped = xpcall(walk, trace.note, collected, handle, cursor, lent, other, other_lent, visit,
    following and idle_and_wait(following.idle) or once and pass_and_wait or wait)
  lent.row, other_lent.row = nil, nil
  progress.erase()
  local err = stopped
  if not ok or stopped then
    collected:cancel()
  elseif not following then
    set.note(collected)
  end
  if following then
    following.ended(not ok or stopped)
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
--- own, and nil at the end. accept nil: every row. following: as for each.
function set.iterate(collected, accept, following)
  local handle = set.handle(collected)
  local cursor, lent = row.cursor(collected)
  local seen, known, final = 0, 0, false

  return function()
    while true do
      if seen >= known then
        if final then
          if following then
            following.ended()
          end
          return nil
        end
        if following then
          following.idle()
        end
        known, final = wait(collected, seen)
        if final and not following then
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
