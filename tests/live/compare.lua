--- Compare one listing with the two that were taken just before and just after it.
--
-- All but the Timer column must be the same bytes, line by line. Clocks run meanwhile: what a
-- Timer says must lie between what it said before and after.

local compare = {}

--- How far off the seconds may be: the kernel rounds, and rows are not read at one instant.
local SLACK = 0.3

--- A line without its clock, and the clock.
---@param line string
---@return string head     the line up to the Timer column, or all of it
---@return table? clock    name, seconds, retrans, probes; nil if the line has none
local function parse(line)
  local head, name, seconds, retrans, probes =
    line:match("^(.* )(%S+) %((%-?%d+%.%d%d)/(%-?%d+)/(%-?%d+)%)$")
  if not head then return line, nil end
  return head, {
    name = name,
    seconds = tonumber(seconds),
    retrans = tonumber(retrans),
    probes = tonumber(probes),
  }
end

---@param text string
---@return string[]
local function split(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  local rest = text:match("([^\n]+)$")
  if rest then lines[#lines + 1] = rest .. " [no newline]" end
  return lines
end

local function between(value, one, other)
  return value >= math.min(one, other) and value <= math.max(one, other)
end

--- What is wrong with a clock, given the same clock before and after.
---@param elapsed number  seconds from the start of the first to the end of the last listing
---@return string?  # nil if nothing is
function compare.clock(before, clock, after, elapsed)
  if not (before and clock and after) then
    if before or clock or after then return "a clock is missing" end
    return nil
  end
  if clock.name ~= before.name and clock.name ~= after.name then return "another timer" end
  if not between(clock.retrans, before.retrans, after.retrans) then return "retransmissions" end
  if not between(clock.probes, before.probes, after.probes) then return "probes" end
  -- A timer that is off has no seconds, not even wrong ones.
  if clock.name == "off" then return clock.seconds ~= 0 and "seconds of no timer" or nil end
  local lowest, highest = after.seconds - SLACK, before.seconds + SLACK
  if after.seconds > before.seconds or after.name ~= before.name
    or after.retrans ~= before.retrans or after.probes ~= before.probes then
    -- It went off and was set again in between: anything from the end to the new start.
    lowest = 0
    highest = math.max(before.seconds, after.seconds + elapsed) + SLACK
  end
  if clock.seconds < lowest or clock.seconds > highest then return "seconds" end
  return nil
end

--- Did the table, clocks left out, change from before to after?
---@param before string
---@param after string
---@return string?  # what changed, nil if nothing did
function compare.change(before, after)
  local one, other = split(before), split(after)
  for i = 1, math.max(#one, #other) do
    local old, new = one[i] or "(nothing)", other[i] or "(nothing)"
    if parse(old) ~= parse(new) then return old .. "\n" .. new end
  end
  return nil
end

--- Differences of a listing to the ones before and after, between which nothing has changed.
---@param before string
---@param listing string
---@param after string
---@param elapsed number
---@return string[]  # a text for each line that differs
function compare.listing(before, listing, after, elapsed)
  local first, lines, last = split(before), split(listing), split(after)
  local wrong = {}
  for i = 1, math.max(#first, #lines) do
    local want, got = first[i], lines[i]
    local why
    if not got then
      why, got = "missing", "(nothing)"
    elseif not want then
      why, want = "too many", "(nothing)"
    elseif got ~= want then
      local want_head, before_clock = parse(want)
      local got_head, clock = parse(got)
      local _, after_clock = parse(last[i])
      if want_head ~= got_head then
        why = "text"
      else
        why = compare.clock(before_clock, clock, after_clock, elapsed)
      end
    end
    if why then
      wrong[#wrong + 1] = ("line %d: %s\nwant %s$\nthen %s$\ngot  %s$"):format(i, why, want,
        last[i] or "(nothing)", got)
    end
  end
  return wrong
end

return compare
