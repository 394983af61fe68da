-- The csv format: RFC 4180, which ends lines in CR LF. Control bytes cannot be told apart in it by
-- all readers, so they are written as \xNN, like bytes that are no UTF-8.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local escape = require("sockq.escape")

local function quote(text)
  text = escape.bytes(text)
  if text:find('[",]') then
    return '"' .. text:gsub('"', '""') .. '"'
  end
  return text
end

local function double_quotes(text)
  return (escape.bytes(text):gsub('"', '""'))
end

local function open(columns, options, write)
  local form = {
    special = buffer.bytes('[%c",\128-\255]'),
    escape = quote,
    lead = function(i)
      local lead = i == 1 and "" or ","
      return { text = lead, number = lead, unknown = lead }
    end,
    last = "\r\n",
  }
  if #columns == 1 then
    -- A line with nothing on it is no row to most readers.
    form.escape, form.close = double_quotes, '"'
    form.lead = function()
      return { text = '"', number = "", unknown = '""' }
    end
  end
  local names = {}
  for i, column in ipairs(columns) do
    names[i] = quote(cells.name(column))
  end
  return cells.sink(columns, form, write, options.header and table.concat(names, ",") .. "\r\n" or nil)
end

return {
  doc = "RFC 4180, lines end in CR LF; unknown is empty, a control byte or no UTF-8 is \\xNN",
  layout = "fields",
  open = open,
}
