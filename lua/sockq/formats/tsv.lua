-- The tsv format: fields with tabs between, for awk and cut. A tab, line feed or backslash in a
-- field is \t, \n or \\, so that no line or field is broken.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local escape = require("sockq.escape")

local function open(columns, options, write)
  local form = {
    special = buffer.bytes("[%c\\\128-\255]"),
    escape = function(text)
      return (escape.text(text))
    end,
    lead = function(i)
      local lead = i == 1 and "" or "\t"
      return { text = lead, number = lead, unknown = lead }
    end,
    last = "\n",
  }
  local names = {}
  for i, column in ipairs(columns) do
    names[i] = escape.text(cells.name(column))
  end
  return cells.sink(columns, form, write, options.header and table.concat(names, "\t") .. "\n" or nil)
end

return {
  doc = "tabs between fields; \\t \\n \\\\ and \\xNN in them, unknown is empty",
  layout = "fields",
  open = open,
}
