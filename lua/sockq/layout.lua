-- Fixed layouts: columns with minimum widths in bytes, one blank between them, as printf's %-Ns and
-- %Ns lay them out. Nothing is cut, and the last column is not padded if it has no width.

local layout = {}

--- The format string of some columns, for string.format.
---@param columns { width: integer?, align: string? }[]
---@return string
function layout.format(columns)
  local parts = {}
  for i, column in ipairs(columns) do
    local minus = column.align == "right" and "" or "-"
    parts[i] = column.width and ("%%%s%ds"):format(minus, column.width) or "%s"
  end
  return table.concat(parts, " ")
end

--- The header line of some columns: every title to the left.
---@return string
function layout.header(columns)
  local parts = {}
  for i, column in ipairs(columns) do
    parts[i] = column.width and ("%-" .. column.width .. "s"):format(column.title) or column.title
  end
  return table.concat(parts, " ") .. "\n"
end

--- A function that lays out one row: line(row, set, cursor) → text with its line feed. It is made
--- of straight code, without a loop over the columns, so that LuaJIT compiles it as a whole.
---@param columns { get: fun(row, set, cursor): any }[]
function layout.line(columns)
  local names, calls = {}, {}
  local gets = {}
  for i, column in ipairs(columns) do
    names[i] = "get" .. i
    calls[i] = ("get%d(row, set, cursor)"):format(i)
    gets[i] = column.get
  end
  local source = ("local text, format, %s = ...\nreturn function(row, set, cursor)\n  return (format(text, %s))\nend")
    :format(table.concat(names, ", "), table.concat(calls, ",\n    "))
  local chunk = assert(load(source, "=layout", "t"))
  return chunk(layout.format(columns) .. "\n", string.format, unpack(gets))
end

return layout
