--- One input of fuzz_expr.c: returns the function (how, text) that raises where something is wrong.
-- Its argument is the top of the tree.
local SOURCE = ...
local catalog = require "sockq.catalog"
local expr = require "sockq.expr"
local fields = require "sockq.fields"
local sockq = require "sockq"

-- Rows of every kind.
local rows = {}
for _, capture in ipairs { "mixed-1", "centos7-seed" } do
  sockq.open(SOURCE .. "/tests/data/captures/" .. capture .. "/proc")
  local seen = {}
  for row in sockq.all():rows() do
    local kind = row.proto .. (row.state or "") .. (row.timer or "")
    if not seen[kind] then rows[#rows + 1] = row end
    seen[kind] = true
  end
end
assert(#rows > 30)

-- And of groups.
local grouped = { list = {}, by_name = {} }
for _, entry in ipairs {
  { name = "state", type = "string", values = fields.by_name.state.values }, { name = "count", type = "integer" },
  { name = "max(expires)", type = "number" }, { name = "any" }, { name = "steps", type = "histogram" },
} do
  grouped.list[#grouped.list + 1], grouped.by_name[entry.name] = entry, entry
end
local groups = {
  { state = "LISTEN", count = 7, ["max(expires)"] = 1.5, any = "text", steps = {} }, { count = 0, any = 7 }, {},
}

local ways = {
  { catalog.of(fields), rows }, { catalog.of(grouped), groups },
}

local types = { ["nil"] = true, boolean = true, number = true, string = true }

--- What a text that was refused is told: one line, in our words.
local function check_problem(problem, text)
  local line = expr.explain_error(problem)
  assert(line:find "^EXPR:%d+:%d+: " and not line:find "\n", line)
  assert(not line:find "attempt to" and not line:find "%.lua:", line)
  assert(problem.line >= 1 and problem.column >= 1 and problem.column <= #text + 1, line)
  local shown = expr.point_at_error(problem)
  assert(select(2, shown:gsub("\n", "")) == 1 and shown:find "%^$", shown)
  assert(not shown:find "[%z\1-\9\11-\31\127]", shown)
end

local function check_items(items, way)
  for _, item in ipairs(items) do
    assert(item.name)
    local func = item.value or item.argument and (item.argument.value or item.argument.predicate)
    for _, row in ipairs(way[2]) do
      if func then func(row) end
    end
  end
end

return function(how, text)
  local way, kind = ways[how % 2 + 1], math.floor(how / 2) % 7
  local got, problem
  if kind == 0 or kind == 1 then
    got, problem = expr.compile(text, way[1])
    for _, row in ipairs(got and way[2] or {}) do assert(type(got.predicate(row)) == "boolean") end
    assert(not got or expr.compile(text, way[1]).code == got.code)
  elseif kind == 2 or kind == 3 then
    got, problem = expr.compile_value(text, way[1])
    for _, row in ipairs(got and way[2] or {}) do
      local value = got.value(row)
      assert(types[type(value)] or got.type, type(value))
    end
  elseif kind == 4 then
    got, problem = expr.argument(text)
    -- What a word stands for can be compiled, but for one that is passed on as it is.
    if got and got ~= text then assert(expr.compile(got, ways[1][1]), got) end
  else
    local options = ({ { keys = true }, { descending = true }, { aggregates = true }, {} })[math.floor(how / 16) % 4 + 1]
    got, problem = expr.list(text, way[1], options)
    if got then check_items(got, way) end
  end
  if not got then check_problem(problem, text) end
end
