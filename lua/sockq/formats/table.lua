-- The table format: one row a line, columns sized to the rows; on a terminal that is too narrow
-- the columns that allow it are shortened in the middle. Control bytes are escaped.

local buffer = require("sockq.buffer")
local escape = require("sockq.escape")
local grid = require("sockq.grid")
local theme = require("sockq.theme")

-- Widths come from the first rows; a later, wider cell pushes its line.
local SAMPLE = 10000

-- Straight code over the columns, so that LuaJIT compiles a row as a whole.
local GATHER = [[
local get, cell, unknown, unknown_sizes, texts, sizes, widths = ...
return function(row, at)
  local size
%s
end
]]
local GATHERED = [[
  texts[at + %d], size = cell(get[%d](row), unknown[%d], unknown_sizes[%d])
  sizes[at + %d] = size
  if size > widths[%d] then widths[%d] = size end
]]

local PUT = [[
local handle, padded, put_padded, put, texts, sizes, widths, shorten, colours, reset, tail = ...
return function(at)
  local text, size, missing, colour
%s
  put(tail)
end
]]
local PUT_CELL = [[
  text, size = texts[at + %d], sizes[at + %d]
  %s
  missing = widths[%d] - size
  if missing < 0 then missing = 0 end
  if padded(handle, %s, text, #text, %s) == 0 then put_padded(%s, text, %s) end
]]
local SHORTEN = "text, size = shorten(text, size, widths[%d])"
-- A colour goes around the text, the blanks stay outside: the gap before it is put first.
local COLOURED = [=[
  colour = colours[%d][texts[at + %d]]
  if colour then
    put_padded(%s, "", 0)
    put(colour)
    text = text .. reset
  end
]=]

local function put_code(columns, gap, terminal, colours)
  local parts = {}
  for i, column in ipairs(columns) do
    local before, after = tostring(i == 1 and 0 or gap), "missing"
    if column.align == "right" then
      before, after = before .. " + missing", "0"
    elseif i == #columns then
      -- No blanks at the end of a line.
      after = "0"
    end
    local extra = terminal and column.shrink and SHORTEN:format(i) or ""
    if colours[i] and column.align ~= "right" then
      extra = extra .. "\n" .. COLOURED:format(i, i, before)
      before = ("(colour and 0 or %s)"):format(before)
    end
    parts[i] = PUT_CELL:format(i, i, extra, i, before, after, before, after)
  end
  return PUT:format(table.concat(parts))
end

local function gather_code(columns)
  local parts = {}
  for i in ipairs(columns) do
    parts[i] = GATHERED:format(i, i, i, i, i, i, i)
  end
  return GATHER:format(table.concat(parts))
end

local function compile(code)
  return assert(load(code, "=table", "t"))
end

--- Open a sink for rows.
---@param columns table[]     resolved by columns.lua
---@param options { header: boolean, terminal: integer?, color: boolean? }
---@param write fun(text: string)
---@return { row: fun(row: sockq.Row), finish: fun() }
local function open(columns, options, write)
  local count = #columns
  local out = buffer.open(write)
  local get, unknown, unknown_sizes, colours = {}, {}, {}, {}
  local texts, sizes, widths = {}, {}, {}
  local titles, title_sizes = grid.titles(columns)
  for i, column in ipairs(columns) do
    get[i], unknown[i] = column.get, column.unknown
    unknown_sizes[i] = escape.width(column.unknown)
    colours[i] = options.color and theme.of(column) or nil
    widths[i] = math.max(column.width or 0, options.header and title_sizes[i] or 0)
  end
  local gather = compile(gather_code(columns))(get, grid.cell, unknown, unknown_sizes, texts, sizes, widths)

  local function put_padded(before, text, after)
    out.put((" "):rep(before) .. text .. (" "):rep(after))
  end

  local function putter(of_texts, of_sizes, of_colours, gap, tail)
    return compile(put_code(columns, gap, options.terminal, of_colours))(out.handle, out.calls.padded, put_padded,
      out.put, of_texts, of_sizes, widths, grid.shorten, of_colours, theme.reset, tail or "\n")
  end

  local sampled, put = 0, nil
  local function size_columns()
    local gap = grid.fit(columns, widths, options.terminal)
    if options.header and sampled > 0 then
      out.put(options.color and theme.title or "")
      putter(titles, title_sizes, {}, gap, options.color and theme.reset .. "\n")(0)
    end
    put = putter(texts, sizes, colours, gap)
    for i = 0, sampled - 1 do
      put(i * count)
    end
    -- From here on a later row's cells take the place of the first one's, and widths stay.
    texts, sizes = nil, nil
    local fixed = {}
    for i = 1, count do
      fixed[i] = math.huge
    end
    local one_texts, one_sizes = {}, {}
    gather = compile(gather_code(columns))(get, grid.cell, unknown, unknown_sizes, one_texts, one_sizes, fixed)
    put = putter(one_texts, one_sizes, colours, gap)
  end

  return {
    row = function(row)
      if put then
        gather(row, 0)
        put(0)
        return
      end
      gather(row, sampled * count)
      sampled = sampled + 1
      if sampled == SAMPLE then
        size_columns()
      end
    end,
    finish = function()
      if not put then
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
