-- Rows into a buffer, for formats that write cells one behind the other. What is common goes through
-- src/buffer.c, in a loop that LuaJIT compiles; `form` says how a format writes the rest.

local buffer = require("sockq.buffer")
local value = require("sockq.value")

local cells = {}

--- How a format writes rows of cells.
---@class sockq.Form
---@field special ffi.cdata*  of buffer.bytes: bytes that `escape` has to see; its text may hold them
---@field escape fun(text: string): string
---@field close? string  one byte behind each text
---@field lead fun(i: integer, column: table): { text: string, number: string, unknown: string }  what
---   stands before a text and a number, and for a cell that is unknown
---@field behind? string  behind each cell that is known
---@field number? fun(number: number): string|nil  a number that is not simple, nil: as an unknown one
---@field other? fun(value: any, column: table): string|nil  what is neither text nor number, its
---   text; nil or none: as its text is written
---@field first? string  before the first row
---@field between? string  before each other one
---@field last string  behind each row

-- Each writer gets a loop of its own, so that LuaJIT compiles it for that writer's columns. The loop
-- is over the columns: as straight code a row of twenty is too long for a trace, and what rows differ
-- in makes more of them than are allowed.
local WRITER = [[
local handle, raw, text, number, put, odd, get, lead, form, count, close = ...
local text_lead, number_lead, unknown = lead.text, lead.number, lead.unknown
local start, between, behind, last = form.first or "", form.between or "", form.behind, form.last
return function(row)
  if start ~= "" then put(start) end
  start = between
  for i = 1, count do
    local value = get[i](row)
    if value == nil then
      local before = unknown[i]
      if raw(handle, before, #before) == 0 then put(before) end
    else
      if type(value) == "string" then
        local before = text_lead[i]
        if text(handle, before, #before, value, #value, close) == 0 then odd(i, value) end
      elseif type(value) == "number" then
        local before = number_lead[i]
        if number(handle, before, #before, value) == 0 then odd(i, value) end
      else
        odd(i, value)
      end
      if behind then put(behind) end
    end
  end
  put(last)
end
]]

-- The function for whatever the loop does not put itself, no room left included.
local function odd_writer(columns, form, lead, out)
  local close = form.close or ""
  local plain = buffer.plain(form.special)
  local number_text = form.number or value.number
  local function put_text(i, text)
    out.put(lead.text[i] .. (plain(text) and text or form.escape(text)) .. close)
  end
  return function(i, given)
    local text
    if type(given) == "string" then
      return put_text(i, given)
    elseif type(given) == "number" then
      text = number_text(given)
    elseif form.other then
      text = form.other(given, columns[i])
    else
      return put_text(i, value.text(given))
    end
    out.put(text and lead.number[i] .. text or lead.unknown[i])
  end
end

--- A function that puts a row into a buffer.
---@param columns table[]  of columns.lua
---@param form sockq.Form
---@param out table  of buffer.open, with form.special
---@return fun(row)
function cells.writer(columns, form, out)
  local get, lead = {}, { text = {}, number = {}, unknown = {} }
  for i, column in ipairs(columns) do
    get[i] = column.get
    for kind, text in pairs(form.lead(i, column)) do
      lead[kind][i] = text
    end
  end
  local calls, odd = out.calls, odd_writer(columns, form, lead, out)
  return assert(load(WRITER, "=cells", "t"))(out.handle, calls.raw, calls.text, calls.number, out.put, odd, get, lead,
    form, #columns, form.close and form.close:byte() or 0)
end

--- What a column is called where machines read.
function cells.name(column)
  return column.name or column.title
end

--- A sink for rows of cells.
---@param columns table[]
---@param form sockq.Form
---@param write fun(text: string)
---@param head? string  before everything
---@param tail? fun(any: boolean): string  behind everything; any: a row was written
---@return { row: fun(row), finish: fun() }
function cells.sink(columns, form, write, head, tail)
  local out = buffer.open(write, form.special)
  local any = false
  local put_row = cells.writer(columns, form, out)
  if head then
    out.put(head)
  end
  return {
    row = function(row)
      any = true
      put_row(row)
    end,
    flush = out.flush,
    finish = function()
      if tail then
        out.put(tail(any))
      end
      out.flush()
    end,
  }
end

return cells
