-- Lines of text of two looks, for views that print text and not rows: which line is which, and which
-- of its words changed.

local escape = require("sockq.escape")

local text = {}

-- What tells lines apart: their first word and their addresses.
local function is_address(word)
  return word:find(":[%d*]+$") or word:find("^[@/]")
end

-- "(43.21/0/0)", as netstat prints timers, runs by itself.
local function is_clock(word)
  return word:find("^%(%d+%.%d+/") ~= nil
end

local function key_of(line)
  local words, all = {}, {}
  for word in line:gmatch("%S+") do
    if #all == 0 or is_address(word) then
      words[#words + 1] = word
    end
    all[#all + 1] = is_clock(word) and "" or word
  end
  return table.concat(#words > 1 and words or all, " ")
end

--- An entry for each line, in the form that identity.pair takes; row is the line.
---@param lines string
---@return { row: string, key: string, base: string, bare: boolean }[]
function text.entries(lines)
  local entries, seen = {}, {}
  for line in lines:gmatch("([^\n]*)\n?") do
    -- Nothing in it may move the cursor.
    line = escape.bytes((line:gsub("\t", " ")))
    local key = key_of(line)
    local count = (seen[key] or 0) + 1
    seen[key] = count
    if count > 1 then
      key = key .. "#" .. count
    end
    entries[#entries + 1] = { row = line, key = key, base = key, bare = true }
  end
  -- The pattern finds one more empty line behind the last line feed.
  entries[#entries] = nil
  return entries
end

--- The words of a line that are others than they were: { [number] = true }, nil if none is.
---@param was string
---@param is string
---@return table<integer, boolean>|nil
function text.changed(was, is)
  local before, changed, number = {}, nil, 0
  for word in was:gmatch("%S+") do
    before[#before + 1] = word
  end
  for word in is:gmatch("%S+") do
    number = number + 1
    local other = before[number]
    if word ~= other and not (is_clock(word) and is_clock(other or "")) then
      changed = changed or {}
      changed[number] = true
    end
  end
  return changed
end

--- True if a line shows a timer that runs.
function text.runs(line)
  return line:find("%(%d+%.%d%d/%d+/%d+%)") ~= nil and not line:find("off (0.00/", 1, true)
end

--- A line whose timers have run on.
---@param line string
---@param seconds number
---@return string
function text.aged(line, seconds)
  return (line:gsub("(%S+ )%((%d+%.%d%d)/", function(name, left)
    if name == "off " then
      return nil
    end
    local now = ("%.2f"):format(math.max(0, tonumber(left) - seconds))
    return ("%s(%s/"):format(name, now)
  end))
end

return text
