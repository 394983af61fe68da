-- The table format: one row a line, columns sized to the rows; on a terminal that is too narrow
-- the columns that allow it are shortened in the middle. Control bytes are escaped.

local buffer = require("sockq.buffer")
local escape = require("sockq.escape")
local grid = require("sockq.grid")
local theme = require("sockq.theme")

-- Widths come from the first rows; a later, wider cell pushes its line.
local SAMPLE = 10000

-- Each sink gets loops of its own, so that LuaJIT compiles them for that sink's columns.
local LOOPS = [[
local get, cell, unknown, unknown_sizes, count, handle, padded, put_padded, put, shorten = ...
local function gather(row, at, texts, sizes)
  for i = 1, count do
    texts[at + i], sizes[at + i] = cell(get[i](row), unknown[i], unknown_sizes[i])
  end
end
-- No blanks at the end of a line.
local function put_line(at, texts, sizes, line)
  local widths, gaps, right, shrinks = line.widths, line.gaps, line.right, line.shrinks
  local colours, reset = line.colours, line.reset
  for i = 1, count do
    local text, size = texts[at + i], sizes[at + i]
    local before, after = gaps[i], 0
    local colour = colours and colours[i][text]
    if shrinks[i] and size > widths[i] then text, size = shorten(text, size, widths[i]) end
    if size < widths[i] then
      if right[i] then before = before + widths[i] - size elseif i < count then after = widths[i] - size end
    end
    if colour then
      put_padded(before, colour .. text .. reset, after)
    elseif padded(handle, before, text, #text, after) == 0 then
      put_padded(before, text, after)
    end
  end
  put(line.tail)
end
return gather, put_line
]]

--- Open a sink for rows.
---@param columns table[]     resolved by columns.lua
---@param options { header: boolean, terminal: integer?, color: boolean?, follow: boolean? }  follow: flush()
---   shows what is there, and columns grow wider from then on
---@param write fun(text: string)
---@return { row: fun(row: sockq.Row), finish: fun() }
local function open(columns, options, write)
  local count = #columns
  local out = buffer.open(write)
  local get, unknown, unknown_sizes = {}, {}, {}
  local titles, title_sizes = grid.titles(columns)
  -- How lines are laid out: gaps before the columns, which are to the right, which may be shortened.
  local line = { widths = {}, gaps = {}, right = {}, shrinks = {}, tail = "\n" }
  local colours = options.color and {} or nil
  for i, column in ipairs(columns) do
    get[i], unknown[i], unknown_sizes[i] = column.get, column.unknown, escape.width(column.unknown)
    line.widths[i] = math.max(column.width or 0, options.header and title_sizes[i] or 0)
    line.right[i] = column.align == "right"
    line.shrinks[i] = options.terminal ~= nil and column.shrink ~= nil
    if colours then
      colours[i] = theme.of(column) or {}
    end
  end

  local function put_padded(before, text, after)
    out.put((" "):rep(before) .. text .. (" "):rep(after))
  end

  local gather, put_line = assert(load(LOOPS, "=table", "t"))(get, grid.cell, unknown, unknown_sizes, count, out.handle,
    out.calls.padded, put_padded, out.put, grid.shorten)

  local texts, sizes, sampled = {}, {}, 0
  local sized = false
  local needed = {}
  local function fit()
    for i = 1, count do
      needed[i] = line.widths[i]
    end
    local gap = grid.fit(columns, line.widths, options.terminal)
    for i = 1, count do
      line.gaps[i] = i > 1 and gap or 0
    end
  end
  local function grow()
    local wider = false
    for i = 1, count do
      wider = wider or sizes[i] > needed[i]
    end
    if wider then
      for i = 1, count do
        line.widths[i] = math.max(needed[i], sizes[i])
      end
      fit()
    end
  end
  local function size_columns()
    sized = true
    for at = 0, sampled - 1 do
      for i = 1, count do
        line.widths[i] = math.max(line.widths[i], sizes[at * count + i])
      end
    end
    fit()
    if options.header and sampled > 0 then
      if colours then
        out.put(theme.title)
        line.tail = theme.reset .. "\n"
      end
      put_line(0, titles, title_sizes, line)
      line.tail = "\n"
    end
    line.colours, line.reset = colours, theme.reset
    for at = 0, sampled - 1 do
      put_line(at * count, texts, sizes, line)
    end
    -- From here on each row's cells take the place of the one's before.
    texts, sizes = {}, {}
  end

  return {
    row = function(row)
      if sized then
        gather(row, 0, texts, sizes)
        if options.follow then
          grow()
        end
        put_line(0, texts, sizes, line)
        return
      end
      gather(row, sampled * count, texts, sizes)
      sampled = sampled + 1
      if sampled == SAMPLE then
        size_columns()
      end
    end,
    flush = function()
      if not sized and sampled > 0 then
        size_columns()
      end
      out.flush()
    end,
    finish = function()
      if not sized then
        size_columns()
      end
      out.flush()
    end,
  }
end

return {
  doc = "one row a line, columns sized to the rows",
  layout = "table",
  open = open,
}
