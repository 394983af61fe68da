--- The aggregates that a list can name: what each takes and gives. sockq.aggregate computes them.
--
-- An entry: name, args (names of its arguments, an optional one in brackets), min, max (how many),
-- doc, example, and of the first argument:
--   want     "truth" for a condition, else "value"
--   classes  the classes that it may have (sockq.expr.check), nil: any
--   compound true: it may be a list
-- and returns: the type of the result, or "same" for that of the argument. The arguments behind the
-- first are literal numbers above 0.
local aggregates = { list = {}, by_name = {} }

local NUMBER, ORDERED = { number = true }, { number = true, string = true }

---@param entry table
local function add(entry)
  aggregates.list[#aggregates.list + 1] = entry
  aggregates.by_name[entry.name] = entry
end

add {
  name = "count", args = { "[condition]" }, min = 0, max = 1, want = "truth", returns = "integer",
  doc = "how many rows, or for how many of them a condition holds", example = "count(expires < 5)",
}
add {
  name = "sum", args = { "n" }, min = 1, max = 1, classes = NUMBER, returns = "same",
  doc = "the sum of the known values", example = "sum(send_q)",
}
add {
  name = "avg", args = { "n" }, min = 1, max = 1, classes = NUMBER, returns = "number",
  doc = "their mean", example = "avg(expires)",
}
add {
  name = "min", args = { "x" }, min = 1, max = 1, classes = ORDERED, returns = "same",
  doc = "the smallest of them, or of texts the first in byte order", example = "min(expires)",
}
add {
  name = "max", args = { "x" }, min = 1, max = 1, classes = ORDERED, returns = "same",
  doc = "the largest of them", example = "worst=max(retrans)",
}
add {
  name = "first", args = { "x" }, min = 1, max = 1, compound = true, returns = "same",
  doc = "the first known value that arrives", example = "first(cmdline)",
}
add {
  name = "distinct", args = { "x" }, min = 1, max = 1, returns = "integer",
  doc = "how many different values", example = "peers=distinct(remote_addr)",
}
add {
  name = "pNN", args = { "n" }, min = 1, max = 1, classes = NUMBER, returns = "number",
  doc = "a percentile: p0 to p100, p99.9", example = "p99(recv_q)",
}
add {
  name = "histogram", args = { "n", "[width]" }, min = 1, max = 2, classes = NUMBER, returns = "histogram",
  doc = "how many values lie in each step of a width; without one, steps of powers of two",
  example = "histogram(expires, 10)",
}

--- The aggregate of a name.
---@param name string  "max", "p99", "p99.9"
---@return table?  # its entry; nil: there is none
---@return number?  # the percentile, from 0 to 100
function aggregates.find(name)
  local digits = name:match "^p(%d+%.?%d*)$"
  if digits then
    local percentile = tonumber(digits)
    if percentile > 100 then return nil end
    return aggregates.by_name.pNN, percentile
  end
  return name ~= "pNN" and aggregates.by_name[name] or nil
end

--- Every name, "p50" and "p99" standing for all percentiles.
---@return string[]
function aggregates.names()
  local names = {}
  for _, entry in ipairs(aggregates.list) do
    if entry.name ~= "pNN" then names[#names + 1] = entry.name end
  end
  names[#names + 1], names[#names + 2] = "p50", "p99"
  return names
end

return aggregates
