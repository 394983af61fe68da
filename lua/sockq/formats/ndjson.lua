-- The ndjson format: one JSON object a line, for jq and log shippers.

local cells = require("sockq.cells")
local json = require("sockq.json")

local function open(columns, _, write)
  local form = json.form()
  form.last = "}\n"
  return cells.sink(columns, form, write)
end

return {
  doc = "one JSON object a line; unknown is null, a byte that is no UTF-8 is \\xNN",
  layout = "fields",
  open = open,
}
