-- The json format: one JSON array of objects, a row on each line.

local cells = require("sockq.cells")
local json = require("sockq.json")

local function open(columns, _, write)
  local form = json.form()
  form.first, form.between, form.last = "[\n", ",\n", "}"
  return cells.sink(columns, form, write, nil, function(any)
    return any and "\n]\n" or "[]\n"
  end)
end

return {
  doc = "one JSON array of objects; unknown is null, a byte that is no UTF-8 is \\xNN",
  layout = "fields",
  open = open,
}
