-- Rows into a buffer: straight code that is made for a list of columns, so that LuaJIT compiles a
-- row as a whole. What is common goes through src/buffer.c; `form` says how a format writes the rest.

local buffer = require("sockq.buffer")
local value = require("sockq.value")

local cells = {}

--- How a format writes rows of cells.
---@class sockq.Form
---@field special table<integer, boolean>  bytes that `escape` has to see; its text may hold them
---@field escape fun(text: string): string
---@field close? string  one byte behind each text
---@field lead fun(i: integer, column: table): table  what stands before a cell's { text, number },
---   and what stands for a cell that is unknown, its lead included
---@field behind? string  behind each cell that is known
---@field number? fun(number: number): string|nil  a number that is not simple, nil: as an unknown one
---@field other? fun(value: any, column: table): string|nil  what is neither text nor number, its
---   text; nil or none: as its text is written
---@field first? string  before the first row
---@field between? string  before each other one
---@field last string  behind each row

local HEAD = [[
local handle, raw, text, number, put, odd, get, type, form = ...
local start, between = form.first or "", form.between or ""
return function(row)
  if start ~= "" then put(start) end
  start = between
]]

local CELL = [[
  do
    local value = %s
    if value == nil then
      %s
    elseif type(value) == "string" then
      if text(handle, %q, %d, value, #value, %d) == 0 then odd(%d, value) end
    elseif type(value) == "number" then
      if number(handle, %q, %d, value) == 0 then odd(%d, value) end
    else
      odd(%d, value)
    end
    %s
  end
]]

local RAW = "if raw(handle, %q, %d) == 0 then put(%q) end"

local function raw_code(text)
  return text == "" and "" or RAW:format(text, #text, text)
end

-- The function for whatever the code does not put itself, no room left included.
local function odd_writer(columns, form, leads, out)
  local close = form.close or ""
  local plain = buffer.plain(form.special)
  local number_text = form.number or value.number
  local function put_text(lead, text)
    out.put(lead.text .. (plain(text) and text or form.escape(text)) .. close)
  end
  return function(i, given)
    local lead = leads[i]
    local text
    if type(given) == "string" then
      return put_text(lead, given)
    elseif type(given) == "number" then
      text = number_text(given)
    elseif form.other then
      text = form.other(given, columns[i])
    else
      return put_text(lead, value.text(given))
    end
    out.put(text and lead.number .. text or lead.unknown)
  end
end

--- A function that puts a row into a buffer.
---@param columns table[]  of columns.lua
---@param form sockq.Form
---@param out table  of buffer.open, with form.special
---@return fun(row)
function cells.writer(columns, form, out)
  local code, leads, get = { HEAD }, {}, {}
  local close = form.close and form.close:byte() or 0
  local behind = form.behind and ("if value ~= nil then %s end"):format(raw_code(form.behind)) or ""
  for i, column in ipairs(columns) do
    local lead = form.lead(i, column)
    leads[i], get[i] = lead, column.get
    code[#code + 1] = CELL:format(("get[%d](row)"):format(i), raw_code(lead.unknown), lead.text, #lead.text,
      close, i, lead.number, #lead.number, i, i, behind)
  end
  code[#code + 1] = raw_code(form.last) .. "\nend\n"
  local chunk = assert(load(table.concat(code), "=cells", "t"))
  local calls = out.calls
  return chunk(out.handle, calls.raw, calls.text, calls.number, out.put, odd_writer(columns, form, leads, out),
    get, type, form)
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
    finish = function()
      if tail then
        out.put(tail(any))
      end
      out.flush()
    end,
  }
end

return cells
