-- Recordings: files of snapshots, which `sockq record FILE` writes. Which of them a time means, and
-- reading one in place of /proc.

local core = require("sockq.core")
local schema = require("sockq.schema")
local set = require("sockq.set")

local recording = {}

local command_line = core.command_line()
local floor = math.floor

--- A recording.
---@class sockq.Recording
---@field path string
local Recording = {}
Recording.__index = Recording

--- A snapshot of a recording: every socket that matched at one moment.
---@class sockq.Snapshot
---@field index integer  its number, from 1
---@field time number    seconds since 1970
---@field rows integer   how many sockets it has
---@field size integer   bytes of the file
local Snapshot = {}
Snapshot.__index = Snapshot

-- For the sandbox, which tells them by these.
recording.Recording, recording.Snapshot = Recording, Snapshot

--- A moment as messages and listings write it.
---@param time number  seconds since 1970
---@return string
function recording.moment(time)
  return os.date("%Y-%m-%d %H:%M:%S", floor(time))
end

function Snapshot:__tostring()
  return ("snapshot %d of %s, %d sockets"):format(self.index, recording.moment(self.time), self.rows)
end

--- A client that answers from the snapshot.
---@return userdata|nil client, string|nil message, boolean|nil damaged
function Snapshot:client()
  local path = self.recording.path
  local client, what, byte, damaged = self.recording.handle:client(self.index)
  if not client then
    local where = byte and ("%s: byte %d"):format(path, byte) or path
    return nil, ("%s: %s; the other snapshots may be whole"):format(where, what), damaged
  end
  return client
end

--- Read this snapshot from here on: queries, facts, everything. Its rows are those that were recorded,
--- its host, namespace and clock those of then.
--- Example: for _, s in ipairs(sockq.recording("F"):snapshots()) do s:open() print(sockq.tcp():count()) end
function Snapshot:open()
  local client, wrong = self:client()
  if not client then
    error(wrong, 2)
  end
  set.read(client, self.recording.path)
  recording.current = self
end

--- The snapshot that is read in place of /proc, nil where none is.
---@type sockq.Snapshot|nil
recording.current = nil

-- Snapshots that were taken every ten seconds are not ten seconds apart to the millisecond.
local NEARLY = 0.95

--- Let time pass before a second look: sleep, or go on to the first snapshot that is so much later.
---@param seconds number
---@return number|nil passed, string|nil message  # seconds between the two looks, or that there is none
function recording.look_again(seconds)
  local from = recording.current
  if not from then
    core.sleep(seconds)
    return seconds
  end
  local list = from.recording.list
  for i = from.index + 1, #list do
    local passed = list[i].time - from.time
    if passed >= seconds * NEARLY then
      list[i]:open()
      return passed
    end
  end
  return nil, ("%s has no snapshot %g s after the one of %s; choose an earlier one by --at"):format(from.recording.path,
    seconds, recording.moment(from.time))
end

--- Its snapshots, in the order of the file.
---@return sockq.Snapshot[]
function Recording:snapshots()
  return self.list
end

-- The command line's, which are opened once.
local opened_words = {}

local MADE = "give a file that sockq record made"

--- Open a recording to read it, or to append to it. In the program: one that the command line names.
---@param path string
---@param append? boolean
---@return sockq.Recording|nil, string|nil message, boolean|nil damaged
function recording.try(path, append)
  local word = (append and "record " or "read ") .. path
  if opened_words[word] then
    return opened_words[word]
  end
  local handle, what, byte, damaged = core.recording(path, append)
  if not handle then
    if byte and damaged then
      return nil, ("%s: byte %d: %s; %s"):format(path, byte, what, append and "nothing is appended" or "nothing is read"), true
    elseif append then
      return nil, ("%s: %s; %s"):format(path, what, byte and "it stays as it is, give another name"
        or "give the name of a file that can be written")
    end
    return nil, ("%s: %s; %s"):format(path, what, MADE)
  end
  local time = what
  if time then
    path = path:sub(1, -#time - 2)
  end
  local self = setmetatable({ path = path, handle = handle, time = time, list = handle:snapshots() }, Recording)
  for i, snapshot in ipairs(self.list) do
    snapshot.index, snapshot.recording = i, self
    setmetatable(snapshot, Snapshot)
  end
  local cut = handle:cut()
  if #self.list == 0 and not append then
    return nil, ("%s: no whole snapshot is in it; %s"):format(path, MADE), cut ~= nil
  elseif cut then
    self.cut = ("%s: byte %d: half a snapshot, from a write that was cut off; %s"):format(path, cut,
      append and "it is taken away" or "what is before it is read")
  end
  if command_line then
    opened_words[word] = self
  end
  return self
end

--- Tell what the end of a file lacks, once.
---@param self sockq.Recording
local function tell_cut(self)
  if self.cut then
    set.tell(self.cut)
    set.incomplete = true
    self.cut = nil
  end
end
recording.tell_cut = tell_cut

local UNITS = { s = 1, m = 60, h = 3600, d = 86400 }
local FORMS = "give a number (1 the first, -1 the last), 14:05, 2026-11-26T14:05:30, or an age such as -90s"

local function in_range(hour, minute, second)
  return hour < 24 and minute < 60 and second < 60
end

-- The last time of day before the last snapshot; of a recording that ends before it, that day's.
local function time_of_day(list, hour, minute, second)
  local first, last = list[1].time, list[#list].time
  local day = os.date("*t", floor(last))
  local function on(days)
    return os.time({ year = day.year, month = day.month, day = day.day + days, hour = hour, min = minute, sec = second })
  end
  local moment = on(0)
  if moment > last and on(-1) >= floor(first) then
    return on(-1)
  end
  return moment
end

local function moment_of(list, text)
  local age, unit = text:match("^%-?(%d+%.?%d*)([smhd])$")
  if age then
    return list[#list].time - tonumber(age) * UNITS[unit]
  end
  local hour, minute, second = text:match("^(%d%d?):(%d%d):?(%d?%d?)$")
  if hour and (second == "" or #second == 2) and (#second == 2) == (text:find(":%d%d:") ~= nil) then
    hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second) or 0
    return in_range(hour, minute, second) and time_of_day(list, hour, minute, second) or nil
  end
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[T ](.*)$")
  if not year then
    return nil
  end
  hour, minute, second = rest:match("^(%d%d):(%d%d)$")
  if not hour then
    hour, minute, second = rest:match("^(%d%d):(%d%d):(%d%d)$")
  end
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second) or 0
  if not hour or not in_range(hour, minute, second) then
    return nil
  end
  local moment = os.time({ year = tonumber(year), month = tonumber(month), day = tonumber(day), hour = hour,
    min = minute, sec = second })
  -- os.time takes the 31st of June for the first of July.
  return moment and os.date("%Y-%m-%d", moment) == text:sub(1, 10) and moment or nil
end

--- The snapshot that a text means: a number (1 the first, -1 the last), or the newest one not after a
--- time of day, a date and time, or an age before the last snapshot.
---@param text string|integer|nil  nil: the last
---@return sockq.Snapshot|nil, string|nil message
function Recording:choose(text)
  local list = self.list
  if text == nil then
    return list[#list]
  end
  text = tostring(text)
  if text:find("^%-?%d+$") then
    local index = tonumber(text)
    local snapshot = list[index < 0 and #list + 1 + index or index]
    if not snapshot then
      return nil, ("%s: %s has no such snapshot; %s"):format(text, self.path, #list == 1 and "1 is its only one"
        or ("1 is its first, %d its last"):format(#list))
    end
    return snapshot
  end
  local moment = moment_of(list, text)
  if not moment then
    return nil, ("%s: no number and no time; %s"):format(text, FORMS)
  end
  local found
  for _, snapshot in ipairs(list) do
    if floor(snapshot.time) <= moment and (not found or snapshot.time >= found.time) then
      found = snapshot
    end
  end
  if not found then
    return nil, ("%s: %s begins later, %s; give a later time, or 1"):format(text, self.path,
      recording.moment(list[1].time))
  end
  return found
end

--- The conditions under which a set's rows were recorded, one expression each.
---@param handle ffi.cdata*  sockq_set_handle
---@return string[]
function recording.filters(handle)
  local list = {}
  for line in (schema.text(handle, handle.set.filter, handle.set.filter_len) or ""):gmatch("[^\n]+") do
    list[#list + 1] = line
  end
  return list
end

--- Read a snapshot of the command line from here on: "FILE", or "FILE@TIME".
---@param word string
---@param time string?  instead of what stands behind the @
---@return sockq.Snapshot|nil, string|nil message, boolean|nil damaged
function recording.replay(word, time)
  local opened, wrong, damaged = recording.try(word)
  if not opened then
    return nil, wrong, damaged
  end
  local snapshot
  snapshot, wrong = opened:choose(time or opened.time)
  if not snapshot then
    return nil, wrong
  end
  local client
  client, wrong, damaged = snapshot:client()
  if not client then
    return nil, wrong, damaged
  end
  tell_cut(opened)
  set.read(client, opened.path)
  recording.current = snapshot
  return snapshot
end

local function named(path, level)
  local read = command_line and command_line.given.read
  if not command_line or (read and (path == nil or path == read[1])) then
    path = path or (read and read[1])
  elseif read then
    error(("sockq.recording: %s: the program reads %s; give the other by --read FILE"):format(tostring(path), read[1]),
      level + 1)
  else
    error("sockq.recording: the program reads no recording; give one by --read FILE", level + 1)
  end
  if type(path) ~= "string" then
    error(("sockq.recording: a file's name is expected, not a %s"):format(type(path)), level + 1)
  end
  return path
end

--- sockq.recording: what is wrong is told at the line that called it.
---@param path? string
---@return sockq.Recording
function recording.open(path)
  local opened, wrong = recording.try(named(path, 3))
  if not opened then
    error("sockq.recording: " .. wrong, 3)
  end
  tell_cut(opened)
  return opened
end

--- sockq.open_recording, likewise.
---@param path? string
---@param at? string|integer
---@return sockq.Snapshot
function recording.open_at(path, at)
  local snapshot, wrong = recording.replay(named(path, 3), at)
  if not snapshot then
    error("sockq.open_recording: " .. wrong, 3)
  end
  return snapshot
end

return recording
