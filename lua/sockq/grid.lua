-- What formats for people share: a cell's text and size, widths that fit a terminal, padding.

local escape = require("sockq.escape")
local value = require("sockq.value")
local width = require("sockq.width")

local grid = {}

local GAP, NARROW_GAP = 2, 1

local abs, format, text_of, escaped = math.abs, string.format, value.text, escape.text

-- Two decimals; small numbers, as round-trip times are, with the digits that they have first.
local function decimals(number)
  local size = abs(number)
  if size >= 0.1 then
    return format("%.2f", number)
  elseif size >= 0.0001 then
    return format("%.3g", number)
  end
  return format(size >= 0.000001 and "%.6f" or "%.2g", number)
end

--- A cell's text, and how many columns of a terminal it takes.
---@param given any
---@param unknown string     the text for nil
---@param unknown_size integer
---@return string, integer
function grid.cell(given, unknown, unknown_size)
  if given == nil then
    return unknown, unknown_size
  elseif type(given) == "number" then
    local whole = given % 1 == 0 and given > -2 ^ 53 and given < 2 ^ 53
    local text = whole and format("%d", given) or decimals(given)
    return text, #text
  elseif type(given) == "string" then
    return escaped(given)
  end
  return escaped(text_of(given))
end

--- The titles of columns, and their sizes.
---@return string[] titles, integer[] sizes
function grid.titles(columns)
  local titles, sizes = {}, {}
  for i, column in ipairs(columns) do
    titles[i], sizes[i] = escaped(column.title)
  end
  return titles, sizes
end

--- Make a line fit a terminal: first the gaps shrink, then the columns that are widest beyond what
--- they say they need.
---@param columns table[]    shrink is the least width of those that may be shortened
---@param widths integer[]   changed
---@param room integer|nil   columns of the terminal, nil: nothing is shortened
---@return integer gap
function grid.fit(columns, widths, room)
  local total = GAP * (#columns - 1)
  for _, size in ipairs(widths) do
    total = total + size
  end
  if not room or total <= room then
    return GAP
  end
  total = total - (GAP - NARROW_GAP) * (#columns - 1)
  while total > room do
    local widest, spare = nil, 0
    for i, column in ipairs(columns) do
      if column.shrink and widths[i] - column.shrink > spare then
        widest, spare = i, widths[i] - column.shrink
      end
    end
    if not widest then
      break
    end
    widths[widest] = widths[widest] - 1
    total = total - 1
  end
  return NARROW_GAP
end

--- A text of at most so many columns.
---@return string, integer
function grid.shorten(text, size, most)
  if size <= most then
    return text, size
  end
  return width.shorten(text, most)
end

return grid
