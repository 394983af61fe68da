-- Live: --watch looks again and again, --wait until a row is found, -q prints nothing.

local argument = require("sockq.argument")
local core = require("sockq.core")
local look = require("sockq.watch.look")
local output = require("sockq.output")
local progress = require("sockq.progress")
local set = require("sockq.set")
local stream = require("sockq.watch.stream")

local watch = {}

local WATCH_SECONDS, WAIT_SECONDS, LEAST_SECONDS = 2, 1, 0.1

-- The last argument of an option, nil if it has none.
local function last_of(given)
  return type(given) == "table" and given[#given] or nil
end

local function interval(option, given, default)
  local text = last_of(given)
  if not text then
    return default
  end
  local seconds = argument.types.duration.parse(text)
  if not seconds or seconds < LEAST_SECONDS then
    error(("--%s: %s is no time between two looks; give seconds from %g, or a number with ms, s, m, h or d"):format(
      option, text, LEAST_SECONDS), 0)
  end
  return seconds
end

local function times(given)
  local text = last_of(given)
  if not text then
    return nil
  end
  local count = argument.types.count.parse(text)
  if not count or count == 0 then
    error(("--times: %s is no number of looks; give a whole number from 1"):format(text), 0)
  end
  return count
end

local function refuse(given)
  local function both(one, other, what)
    if given[one] and given[other] then
      error(("--%s: %s; leave one of them out"):format(one, what), 0)
    end
  end
  both("watch", "wait", "--wait looks again by itself")
  both("watch", "quiet", "-q prints nothing, and --watch would show it")
  if given.times and not given.watch and not given.wait then
    error("--times: it counts the looks of --watch and --wait, or the sockets of --follow; give one of them", 0)
  end
end

-- The command line in words again, for the head line.
local function command_of(line)
  local words = { "sockq" }
  for _, option in ipairs(core.options()) do
    local given = option.group ~= "live" and line.given[option.name]
    local name = option.letter and "-" .. option.letter or "--" .. option.name
    if type(given) == "table" then
      for _, value in ipairs(given) do
        words[#words + 1] = option.letter and name .. " " .. value or name .. "=" .. value
      end
    elseif given then
      words[#words + 1] = name
    end
  end
  for _, word in ipairs(line.words) do
    words[#words + 1] = word
  end
  return require("sockq.escape").text(table.concat(words, " "))
end

local function has_screen()
  local term = os.getenv("TERM")
  if not core.terminal_size(1) or not term or term == "" or term == "dumb" then
    return false
  end
  return output.is_for_people()
end

local function run_watch(line, run, complain)
  local options = { interval = interval("watch", line.given.watch, WATCH_SECONDS), times = times(line.given.times),
    format = output.defaults.format }
  if not has_screen() then
    return stream.run(run, options, complain)
  end
  options.command = command_of(line)
  local status, messages = require("sockq.watch.screen").run(run, options)
  for _, message in ipairs(messages) do
    complain(message)
  end
  return status
end

-- What takes rows and text and keeps nothing; one row is enough.
local function silent()
  return { write = function() end, format = function(format)
    return { layout = format.layout, open = function()
      return { row = function() return true end, finish = function() end }
    end }
  end }
end

local function keeping(parts)
  return { write = function(text) parts[#parts + 1] = text end, format = function(format) return format end }
end

local function run_wait(line, run, complain)
  local seconds, count = interval("wait", line.given.wait, WAIT_SECONDS), times(line.given.times)
  local looks, due, told, taken = 0, nil, {}
  repeat
    if due then
      stream.sleep_until(due)
    end
    local parts = {}
    taken = look.take(run, line.given.quiet and silent() or keeping(parts))
    if taken.stands_in then
      error("--wait: this view does not say whether it found rows; wait for an expression", 0)
    end
    for _, message in ipairs(taken.messages) do
      if not told[message] then
        complain(message)
      end
      told[message] = true
    end
    if taken.found or taken.status ~= 1 and taken.status ~= 3 then
      for _, text in ipairs(parts) do
        output.write(text)
      end
      return taken.status
    end
    looks = looks + 1
    local _, now = core.now()
    due = math.max((due or taken.read) + seconds, now)
  until looks == count
  return taken.status
end

local function run_quiet(run, complain)
  local taken = look.take(run, silent())
  for _, message in ipairs(taken.messages) do
    complain(message)
  end
  return taken.status
end

--- Run the command line as its live options say.
---@param line table                    core.command_line()
---@param run fun(): integer, boolean?  runs it once
---@return integer status
function watch.run(line, run)
  local given, complain = line.given, set.on_message
  refuse(given)
  local status
  progress.off = progress.off or given.watch ~= nil or given.wait ~= nil
  if given.watch then
    status = run_watch(line, run, complain)
  elseif given.wait then
    status = run_wait(line, run, complain)
  elseif given.quiet then
    status = run_quiet(run, complain)
  else
    return run()
  end
  -- The last look counts.
  set.incomplete = status == 3
  return status
end

return watch
