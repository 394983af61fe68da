-- sockq record FILE [EXPR...]: write the sockets that match to a file, once or every S seconds.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local escape = require("sockq.escape")
local listing = require("sockq.listing")
local query = require("sockq.query")
local origin = require("sockq.origin")
local recording = require("sockq.recording")
local schema = require("sockq.schema")
local set = require("sockq.set")
local tables = require("sockq.tables")

local C = schema.C

-- Names as PID/stat has them are cut at their first parenthesis: they stand in the place of whole ones. Threads
-- are what ss alone lists.
local OWNERS = bit.band(tonumber(C.SOCKQ_OWNER_FLAGS), bit.bnot(tonumber(C.SOCKQ_WITH_STAT_NAMES + C.SOCKQ_WITH_THREADS)))
-- All of owners, namespaces and counters too: what is asked of a recording later is not known now.
local EVERYTHING = bit.bor(OWNERS, tonumber(C.SOCKQ_WITH_FACTS), tonumber(C.SOCKQ_WITH_NETNS))
if core.netns() then
  -- They are of one's own namespace, the sockets of others.
  EVERYTHING = bit.bxor(EVERYTHING, tonumber(C.SOCKQ_WITH_FACTS))
end
local INCOMPLETE = 3

-- What sock_diag tells is recorded if --source says so: it takes more room than all the rest.
local function everything()
  return origin.default == "diag" and bit.bor(EVERYTHING, tonumber(C.SOCKQ_DIAG_FLAGS)) or EVERYTHING
end

local FORM = "sockq record FILE [EXPR...] is the form"

-- What -4 -6 -l and the words say, as expressions: they are noted in the recording.
local function conditions(words, given)
  local list = listing.conditions(given)
  for _, word in ipairs(words) do
    list[#list + 1] = word
  end
  return list
end

local function narrowed(rows, list)
  for _, text in ipairs(list) do
    local fewer, wrong, problem = rows:try_where(text)
    if not fewer then
      complaint.raise(wrong, problem)
    end
    rows = fewer
  end
  return rows
end

local function seconds(given)
  local text = given.every and given.every[#given.every]
  local number = text and tonumber(text:match("^%d+%.?%d*$"))
  if text and not (number and number > 0 and number < 1e9) then
    complaint.raise(("--every: %s is no number of seconds; give one such as 5 or 0.5"):format(text))
  end
  return number
end

local function count(given)
  if not given.times then
    return nil
  elseif not given.every then
    complaint.raise("--times: without --every there is one snapshot; give --every S")
  end
  local times = listing.whole_number("times", given.times)
  if times == 0 then
    complaint.raise("--times: 0 snapshots are none; give a number from 1")
  end
  return times
end

local function size_text(bytes)
  return bytes < 10240 and ("%d bytes"):format(bytes) or ("%.1f KiB"):format(bytes / 1024)
end

-- Which rows meet the conditions, and the snapshot of them.
local function snapshot(target, rows, filters)
  local test, indexes, at = rows.test, nil, 0
  local visit = function() end
  if test then
    indexes = {}
    visit = function(row)
      if test(row) then
        indexes[#indexes + 1] = at
      end
      at = at + 1
    end
  end
  -- Where no table can hold a match, none of them is the snapshot.
  local collected = set.collect(rows.tables, rows.states, everything(), rows.named, origin.of(rows))
  local bytes, wrong, found
  set.each(collected, visit, function(handle)
    local all = recording.filters(handle)
    for _, filter in ipairs(filters) do
      all[#all + 1] = (filter:gsub("\n", " "))
    end
    found = indexes and #indexes or tonumber(handle.set.rows)
    bytes, wrong = target.handle:append(collected, indexes, #all > 0 and table.concat(all, "\n") or nil)
  end)
  return bytes and found, bytes, wrong
end

local function take(target, rows, filters, index)
  local found, bytes, wrong = snapshot(target, rows, filters)
  if not found then
    local before = #target.list + index - 1
    complaint.raise(("record %s: %s; %s"):format(target.path, wrong, before == 0 and "nothing is recorded"
      or before == 1 and "the snapshot before is whole" or ("the %d snapshots before are whole"):format(before)),
      nil, INCOMPLETE)
  end
  if core.terminal_width(2) then
    io.stderr:write(("%s: snapshot %d, %d sockets, %s\n"):format(escape.bytes(target.path), #target.list + index, found,
      size_text(bytes)))
  end
  return found
end

-- Take snapshots at even intervals until there are enough of them; more than one may also end by Ctrl-C.
local function take_all(target, rows, filters, every, times)
  local _, began = core.now()
  local found, index = 0, 0
  local ok, err = pcall(function()
    repeat
      index = index + 1
      found = math.max(found, take(target, rows, filters, index))
      local _, now = core.now()
      -- One that took longer than an interval leaves out what it missed.
      local late = every and math.max(0, math.floor((now - began) / every) - index + 1) * every or 0
      began = began + late
      while every and index ~= times and now < began + index * every do
        core.sleep(began + index * every - now)
        _, now = core.now()
      end
    until not every or index == times
  end)
  if not ok and not (every and core.take_interrupt()) then
    error(err, 0)
  end
  return found
end

return {
  usage = "record FILE [EXPR...]",
  doc = "append the sockets that match to a recording, once or every S seconds",
  options = { "tcp", "udp", "raw", "unix", "ipv4", "ipv6", "listening", "from", "every", "times" },
  run = function(words, given)
    local path = words[1]
    if not path then
      complaint.raise("record: a file is missing; " .. FORM)
    end
    local every, times = seconds(given), count(given)
    local filters = conditions({ unpack(words, 2) }, given)
    local all = listing.chosen_tables(given) or query.new(tables.groups.all)
    local rows = narrowed(all, filters)
    if rows.tables == 0 then
      -- No table has such sockets, which is what the snapshot then says.
      rows = all:where(function() return false end)
    end
    local target, wrong, damaged = recording.try(path, true)
    if not target then
      complaint.raise("record " .. wrong, nil, damaged and INCOMPLETE or nil)
    elseif target.cut then
      set.tell(target.cut)
    end
    return take_all(target, rows, filters, every, times) > 0 and 0 or 1
  end,
}
