-- The table format: one row a line, columns sized to the rows; on a terminal that is too narrow
-- the columns that allow it are shortened in the middle. Control bytes are escaped.

local escape = require("sockq.escape")

-- Widths come from the first rows; a later, wider cell pushes its line.
local SAMPLE = 10000
local GAP, NARROW_GAP = "  ", " "

local width_of = escape.width

local BLANKS = {}
for i = 1, 80 do
  BLANKS[i] = (" "):rep(i)
end

-- Blanks up to a column's width; size: what the text takes of it.
local function pad(text, size, width, align)
  local missing = width - size
  if missing <= 0 then
    return text
  end
  local blanks = BLANKS[missing] or (" "):rep(missing)
  return align == "right" and blanks .. text or text .. blanks
end

local function characters(text)
  local list = {}
  for character in text:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    list[#list + 1] = character
  end
  return list
end

local function shorten(text, width)
  if width_of(text) <= width then
    return text
  end
  local list = characters(text)
  local left = math.floor((width - 1) / 2)
  local right = width - 1 - left
  return table.concat(list, "", 1, left) .. "~" .. table.concat(list, "", #list - right + 1)
end

-- A cell's text, and how many columns of a terminal it takes.
local function cell_text(value, unknown)
  if value == nil then
    return unknown, width_of(unknown)
  elseif type(value) == "number" then
    local whole = value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53
    local text = whole and ("%d"):format(value) or ("%.2f"):format(value)
    return text, #text
  elseif type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = type(item) == "table" and ("%s/%s"):format(item.pid or "?", item.fd or "?") or tostring(item)
    end
    return escape.text(table.concat(parts, ","))
  end
  return escape.text(tostring(value))
end

-- Make a line fit a terminal: first the gaps shrink, then the columns that are widest beyond what
-- they say they need. Returns the gap.
local function fit(columns, widths, terminal)
  local total = #GAP * (#columns - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  if total <= terminal then
    return GAP
  end
  total = total - (#GAP - #NARROW_GAP) * (#columns - 1)
  while total > terminal do
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

--- Open a sink for rows.
---@param columns table[]     resolved by columns.lua
---@param options { header: boolean, terminal: integer? }
---@param write fun(text: string)
---@return { row: fun(row: sockq.Row), finish: fun() }
local function open(columns, options, write)
  local count = #columns
  local widths, sample, sampled = {}, {}, 0
  local sized, gap = false, GAP
  local titles, title_sizes = {}, {}
  for i, column in ipairs(columns) do
    titles[i], title_sizes[i] = escape.text(column.title)
  end

  local parts = {}
  local function put(cells, sizes)
    for i = 1, count do
      local text, size, align = cells[i], sizes[i], columns[i].align
      if options.terminal and columns[i].shrink then
        text = shorten(text, widths[i])
        size = width_of(text)
      end
      -- No blanks at the end of a line.
      parts[i] = i == count and align == "left" and text or pad(text, size, widths[i], align)
    end
    write(table.concat(parts, gap) .. "\n")
  end

  local function size_columns()
    sized = true
    for i, column in ipairs(columns) do
      widths[i] = math.max(column.width or 0, options.header and title_sizes[i] or 0)
      for j = 1, sampled do
        widths[i] = math.max(widths[i], sample[j].sizes[i])
      end
    end
    if options.terminal then
      gap = fit(columns, widths, options.terminal)
    end
    if options.header and sampled > 0 then
      put(titles, title_sizes)
    end
    for j = 1, sampled do
      put(sample[j].cells, sample[j].sizes)
    end
    sample = nil
  end

  -- The cells of each row after the sample.
  local one_cells, one_sizes = {}, {}

  return {
    row = function(row)
      local cells, sizes = one_cells, one_sizes
      if not sized then
        cells, sizes = {}, {}
      end
      for i = 1, count do
        local column = columns[i]
        cells[i], sizes[i] = cell_text(column.get(row), column.unknown)
      end
      if sized then
        put(cells, sizes)
        return
      end
      sampled = sampled + 1
      sample[sampled] = { cells = cells, sizes = sizes }
      if sampled == SAMPLE then
        size_columns()
      end
    end,
    finish = function()
      if not sized then
        size_columns()
      end
    end,
  }
end

return {
  doc = "one row a line, columns sized to the rows",
  open = open,
}
