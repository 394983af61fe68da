-- The table format: one row a line, columns sized to the rows; on a terminal that is too narrow
-- the columns that allow it are shortened in the middle. Control bytes are escaped.

local escape = require("sockq.escape")

-- Widths come from the first rows; a later, wider cell pushes its line.
local SAMPLE = 10000
local GAP, NARROW_GAP = "  ", " "

local width_of = escape.width

local function pad(text, width, align)
  local missing = width - width_of(text)
  if missing <= 0 then
    return text
  elseif align == "right" then
    return (" "):rep(missing) .. text
  end
  return text .. (" "):rep(missing)
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

local function cell_text(value, unknown)
  if value == nil then
    return unknown
  elseif type(value) == "number" then
    return value % 1 == 0 and ("%d"):format(value) or ("%.2f"):format(value)
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
  local titles = {}
  for i, column in ipairs(columns) do
    titles[i] = escape.text(column.title)
  end

  local function put(cells)
    local parts = {}
    for i = 1, count do
      local text = cells[i]
      if options.terminal and columns[i].shrink then
        text = shorten(text, widths[i])
      end
      -- No blanks at the end of a line.
      parts[i] = i == count and columns[i].align == "left" and text or pad(text, widths[i], columns[i].align)
    end
    write(table.concat(parts, gap) .. "\n")
  end

  local function size()
    sized = true
    for i, column in ipairs(columns) do
      widths[i] = math.max(column.width or 0, options.header and width_of(titles[i]) or 0)
      for j = 1, sampled do
        widths[i] = math.max(widths[i], width_of(sample[j][i]))
      end
    end
    if options.terminal then
      gap = fit(columns, widths, options.terminal)
    end
    if options.header and sampled > 0 then
      put(titles)
    end
    for j = 1, sampled do
      put(sample[j])
    end
    sample = nil
  end

  return {
    row = function(row)
      local cells = {}
      for i = 1, count do
        local column = columns[i]
        cells[i] = cell_text(column.get(row), column.unknown)
      end
      if sized then
        put(cells)
        return
      end
      sampled = sampled + 1
      sample[sampled] = cells
      if sampled == SAMPLE then
        size()
      end
    end,
    finish = function()
      if not sized then
        size()
      end
    end,
  }
end

return {
  doc = "one row a line, columns sized to the rows",
  open = open,
}
