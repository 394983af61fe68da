-- The live view on a terminal: one look after the other on the alternate screen, painted in place.

local core = require("sockq.core")
local escape = require("sockq.escape")
local look = require("sockq.watch.look")
local output = require("sockq.output")
local picture = require("sockq.watch.picture")
local trace = require("sockq.trace")
local width = require("sockq.width")

local screen = {}

-- A picture is painted at once where the terminal knows mode 2026; others ignore it.
-- Lines are cleared before they are written: a cursor behind the last column would clear that one.
local BEGIN, LINE_END, FINISH = "\27[?2026h\27[H\27[K", "\r\n\27[K", "\27[?2026l"
local HEAD, FOOT, RESET = "\27[7m", "\27[2m", "\27[0m"
local LEAVING = { q = true, Q = true, interrupt = true, hangup = true }

-- Text at both ends of a line; the left one gives way.
local function spread(left, right, columns)
  right = picture.cut(right, columns)
  local room = columns - width.of(right) - 2
  if room < 1 then
    return right
  end
  local size
  left, size = width.shorten(left, room)
  return left .. (" "):rep(room - size + 2) .. right
end

local function head(view)
  local made = view.picture
  local parts = { ("every %g s"):format(view.interval), os.date("%H:%M:%S", math.floor(view.taken.at)) }
  if made.rows then
    parts[#parts + 1] = ("%d %s"):format(made.rows, made.rows == 1 and "row" or "rows")
  end
  if made.new + made.gone > 0 then
    parts[#parts + 1] = ("+%d -%d"):format(made.new, made.gone)
  end
  return spread(view.command, table.concat(parts, "  "), view.columns)
end

local function foot(view, more)
  local parts, messages = {}, view.taken.messages
  if more > 0 then
    parts[1] = ("%s %d more"):format(view.dots, more)
  end
  if view.unseen_total > 0 then
    parts[#parts + 1] = ("%d opens unseen%s"):format(view.unseen_total,
      view.unseen > 0 and (" (+%d)"):format(view.unseen) or "")
  end
  if #messages > 0 then
    parts[#parts + 1] = escape.text(messages[#messages])
    if #messages > 1 then
      parts[#parts + 1] = ("and %d more messages"):format(#messages - 1)
    end
  end
  if #parts == 0 then
    parts[1] = "q leaves"
  end
  return (picture.cut(table.concat(parts, "  "), view.columns))
end

local function paint(view)
  view.columns, view.lines = core.terminal_size(1)
  if not view.columns then
    view.columns, view.lines = 80, 24
  end
  local room = math.max(0, view.lines - 2)
  view.room = room
  view.offset = math.max(0, math.min(view.offset, picture.last_offset(view.picture, room)))
  local _, now = core.now()
  local lines, more = picture.lines(view.picture, view.offset, view, room, now - view.taken.read)
  if #view.picture.items == 0 and room > 0 then
    lines[1] = "  no rows"
  end
  table.insert(lines, 1, view.color and HEAD .. head(view) .. RESET or head(view))
  while #lines < view.lines - 1 do
    lines[#lines + 1] = ""
  end
  if view.lines > 1 then
    local last = foot(view, more)
    lines[view.lines] = view.color and FOOT .. last .. RESET or last
  end
  local painted, wrong = core.paint(BEGIN .. table.concat(lines, LINE_END, 1, view.lines) .. FINISH)
  if not painted then
    error("standard output: " .. wrong, 0)
  end
end

local function look_again(view, run)
  local captor, sections = look.captor({ table = true })
  -- What is not captured as rows is text without colours, so that it can be cut.
  local keep = captor.format
  captor.format = function(format, name)
    format = keep(format, name)
    return { layout = format.layout, open = function(columns, options, write)
      -- Two columns are for the marks.
      options.color, options.terminal = false, options.terminal and math.max(1, options.terminal - 2)
      return format.open(columns, options, write)
    end }
  end
  local taken = look.take(run, captor, view.count_unseen ~= nil)
  view.picture = picture.make(sections, view.picture)
  view.taken, view.unseen = taken, 0
  local all = look.all_tcp(sections)
  if not view.looked then
    local opens = all and look.opens()
    view.count_unseen = opens and look.unseen(opens) or nil
  elseif all and view.count_unseen then
    view.unseen = view.count_unseen(taken.opens, all.entries) or 0
    view.unseen_total = view.unseen_total + view.unseen
  end
  view.looked = true
end

local MOVES = {
  up = function(view) return view.offset - 1 end,
  down = function(view) return view.offset + 1 end,
  pageup = function(view) return view.offset - math.max(1, view.room - 1) end,
  pagedown = function(view) return view.offset + math.max(1, view.room - 1) end,
  home = function() return 0 end,
  ["end"] = function() return math.huge end,
}
MOVES.k, MOVES.j, MOVES[" "], MOVES.b = MOVES.up, MOVES.down, MOVES.pagedown, MOVES.pageup

-- Until the next look: keys, and timers that run. @return true to leave
local function wait(view, until_when)
  while true do
    local _, now = core.now()
    if now >= until_when then
      return false
    end
    -- Timers are painted at whole seconds after the look.
    local tick = view.picture.runs and view.taken.read + math.floor(now - view.taken.read) + 1 or until_when
    local key = core.poll_key(math.max(0, math.min(tick, until_when) - now))
    if LEAVING[key] then
      return true
    elseif MOVES[key] then
      view.offset = MOVES[key](view)
    end
    if MOVES[key] or key == "resize" or not key and tick < until_when then
      paint(view)
    end
  end
end

--- Look again and again until a key or `times` ends it.
---@param run fun(): integer, boolean?  the command line
---@param options { interval: number, times: integer|nil, command: string }
---@return integer status  by the rows of the last look
function screen.run(run, options)
  local _, color, utf8 = output.surroundings()
  local view = { interval = options.interval, command = options.command, color = color, offset = 0,
    unseen_total = 0, dots = utf8 and "…" or "...", columns = 80, lines = 24 }
  local taken, wrong = core.take_terminal()
  if not taken then
    error("--watch: the terminal cannot be used: " .. wrong, 0)
  end
  local ok, err = xpcall(function()
    local looks, due = 0, nil
    repeat
      look_again(view, run)
      looks = looks + 1
      paint(view)
      -- A look that takes longer than the interval puts the next one off.
      local _, now = core.now()
      due = math.max((due or view.taken.read) + view.interval, now)
    until wait(view, due) or looks == options.times
  end, trace.note)
  core.give_back_terminal()
  if not ok and not core.take_interrupt() then
    error(err, 0)
  end
  return view.taken and view.taken.status or 1, view.taken and view.taken.messages or {}
end

return screen
