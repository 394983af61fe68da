-- Long work shows itself: after a second of reading one line on standard error, where that is a
-- terminal, with what was read so far. It is gone before anything else is written there.

local core = require("sockq.core")
local schema = require("sockq.schema")

local C, cast = schema.C, require("ffi").cast
local floor, max, min = math.floor, math.max, math.min

local progress = {}

-- Seconds: before the line comes, between two of them, and before a rate means something.
local AFTER, EVERY, RATE_AFTER = 1, 0.15, 0.5
-- Rows that a walk gets at once while the line may be shown.
local STEP = 65536

--- True where something else has the terminal, or asks again and again: a live view, a session.
progress.off = false

--- True where code of the user runs between two rows, which may write to the terminal at any time:
--- the line is then shown only while rows are waited for.
progress.is_scripted = false

local is_program = core.command_line() ~= nil
local terminals = {}

local function is_terminal(fd)
  if terminals[fd] == nil then
    terminals[fd] = core.is_terminal(fd)
  end
  return terminals[fd]
end

local function is_possible()
  return is_program and not progress.off and is_terminal(2) and (os.getenv("TERM") or "dumb") ~= "dumb"
end

-- The reading that is shown or will be: { began, shown (when), rated, rated_rows, is_muted }.
local current

local function grouped(number)
  local text = ("%.0f"):format(number)
  local first = (#text - 1) % 3 + 1
  return text:sub(1, first) .. text:sub(first + 1):gsub("%d%d%d", ",%0")
end

--- What the line says.
---@param header ffi.cdata*  struct sockq_set
---@param rows number        read so far
---@param rate number|nil    of them in a second
---@return string
function progress.text(header, rows, rate)
  local owners = header.owners
  for number = 0, rows == 0 and C.SOCKQ_TABLES - 1 or -1 do
    -- Rows that come all at once at the end.
    rows = rows + tonumber(header.tables[number].rows)
  end
  if rows > 0 then
    return ("sockq: %s sockets read%s"):format(grouped(rows), rate and (", %s/s"):format(grouped(rate)) or "")
  elseif owners.processes > 0 and owners.done == 0 then
    return ("sockq: %s processes looked at"):format(grouped(tonumber(owners.processes)))
  end
  return "sockq: reading"
end

local function show(reading, handle, rows, now)
  local rate
  if rows > 0 and not reading.rated then
    reading.rated, reading.rated_rows = now, rows
  elseif reading.rated and now - reading.rated >= RATE_AFTER then
    rate = floor((rows - reading.rated_rows) / (now - reading.rated))
  end
  if now - reading.began < AFTER or now - reading.shown < EVERY then
    return
  end
  reading.shown = now
  local columns = core.terminal_width(2) or 80
  core.show_line(progress.text(handle.set, rows, rate):sub(1, max(columns - 1, 0)))
end

--- Erase the line, if there is one.
function progress.erase()
  if current then
    core.erase_line()
  end
end
local erase = progress.erase

--- To be called before text goes to standard output: on a terminal the line goes, and does not come
--- back among the rows of the set that is read.
function progress.before_output()
  if current and not current.is_muted and is_terminal(1) then
    erase()
    current.is_muted = true
  end
end

local function reading_of(collected, now)
  local environment = debug.getfenv(collected)
  current = environment.reading
  if not current then
    current = { began = now, shown = 0 }
    environment.reading = current
  end
  return current
end

-- Sockets that are followed come when they are closed: nothing is slow.
local function is_endless(collected)
  return schema.has(cast(schema.set_handle, collected).set.question.flags, C.SOCKQ_FOLLOW)
end

--- Wait for rows as collected:wait(seen) does, and show how far it is meanwhile. Of many rows that
--- are there already a part is given, so that the caller comes back.
---@param collected userdata
---@param seen number
---@return number|nil rows, boolean|string final, integer|nil errno
function progress.wait(collected, seen)
  if not is_possible() or is_endless(collected) then
    return collected:wait(seen)
  end
  local _, now = core.now()
  local reading = reading_of(collected, now)
  local handle = cast(schema.set_handle, collected)
  while true do
    local rows, final, errno = collected:wait(seen, EVERY * 1000)
    if not rows then
      erase()
      return rows, final, errno
    end
    _, now = core.now()
    local is_waiting, upto = rows <= seen and not final, min(rows, seen + STEP)
    if not reading.is_muted and (is_waiting or not progress.is_scripted) then
      show(reading, handle, upto, now)
    end
    if not is_waiting then
      if progress.is_scripted or final and upto == rows then
        erase()
      end
      return upto, final and upto == rows
    end
  end
end

--- Wait until a row set is read to its end.
---@param set userdata
---@return true|nil  # nil if it was interrupted
function progress.wait_to_end(set)
  local seen, final = 0, false
  while not final do
    seen, final = progress.wait(set, seen)
    if not seen then
      return nil
    end
  end
  return true
end

return progress
