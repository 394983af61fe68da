-- The records format: one field a line, as psql's \x writes a row. What is unknown is shown as in the
-- table, so that every record has the same lines.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local escape = require("sockq.escape")

-- As far as the line goes behind the column's bar.
local RULE = ("-"):rep(20)

local function open(columns, options, write)
  local names, sizes, widest = {}, {}, 0
  for i, column in ipairs(columns) do
    names[i], sizes[i] = escape.text(cells.name(column))
    widest = math.max(widest, sizes[i])
  end
  local form = {
    special = buffer.bytes("[%c\\\128-\255]"),
    escape = function(text)
      return (escape.text(text))
    end,
    lead = function(i, column)
      local lead = (i == 1 and "" or "\n") .. names[i] .. (" "):rep(widest - sizes[i]) .. " | "
      return { text = lead, number = lead, unknown = lead .. column.unknown }
    end,
    last = "\n",
  }
  local out = buffer.open(write, form.special)
  local put_row = cells.writer(columns, form, out)
  local count = 0

  local function put_header()
    local title = ("-[ RECORD %d ]"):format(count)
    out.put(title .. ("-"):rep(widest + 1 - #title) .. "+" .. RULE .. "\n")
  end

  return {
    row = function(row)
      count = count + 1
      if options.header then
        put_header()
      elseif count > 1 then
        out.put("\n")
      end
      put_row(row)
    end,
    flush = out.flush,
    finish = out.flush,
  }
end

return {
  doc = "one field a line, as psql's \\x; unknown is -",
  layout = "fields",
  people = true,
  open = open,
}
