--- The words of expressions over socket rows and over other rows.
--
--   luajit tests/lua/catalog_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local catalog = require "sockq.catalog"
local expr = require "sockq.expr"
local fields = require "sockq.fields"

local sockets = catalog.of(fields)

check.ok("that of socket rows is made once", sockets == catalog.of() and sockets == catalog.of(fields))
for _, entry in ipairs(fields.list) do
  check.equal("socket rows have " .. entry.name, sockets.fields[entry.name].type, entry.type)
  for _, alias in ipairs(entry.alias or {}) do
    check.equal(alias .. " is " .. entry.name, sockets.fields[alias], sockets.fields[entry.name])
  end
end

--- Whether a text compiles over a catalog, or why not.
local function said(text, words)
  local compiled, problem = expr.compile(text, words)
  return compiled and "compiled" or problem.message
end

local both = {
  -- expression, over socket rows, over rows without state and proto
  { "LISTEN", "compiled", 'unknown name "LISTEN"' }, { "tcp6", "compiled", 'unknown name "tcp6"' },
  { "ESTAB or udp", "compiled", 'unknown name "ESTAB"' },
  { "pid == 5", "compiled", "compiled" }, { "state == 'estab'", "compiled", 'unknown name "state"' },
  { "state == 'LISTNE'", 'did you mean "LISTEN"?', "unknown name" },
  { "timer == 'ON'", "compiled", "compiled" }, { "timer == 'unkn-9'", "compiled", "compiled" },
  { "timer == 'unkn-'", "is no timer", "is no timer" }, { "scope == 'Public'", "compiled", "scope is a function" },
  { "count > 5", 'unknown name "count"', "compiled" }, { "coun > 5", "unknown name", "did you mean count?" },
  { "worst > 2*MiB and floor(worst) == abs(worst)", "unknown name", "compiled" },
  { "lower(program) == 'x' and match(program, 'x')", "compiled", "unknown name" },
  { "anything == pid", "unknown name", "compiled" },
}
local result = { list = {}, by_name = {} }
for _, entry in ipairs {
  { name = "count", type = "integer" }, { name = "worst", type = "number" },
  { name = "pid", type = "integer" }, { name = "anything" }, fields.by_name.timer,
} do
  result.list[#result.list + 1], result.by_name[entry.name] = entry, entry
end
local grouped = catalog.of(result)
for _, case in ipairs(both) do
  check.contains(case[1] .. ", sockets", said(case[1], sockets), case[2])
  check.contains(case[1] .. ", groups", said(case[1], grouped), case[3])
end

-- Names from elsewhere.
for name, meant in pairs(sockets.synonyms) do
  check.equal(name .. " is no field", sockets.fields[name], nil)
  check.contains(name, said(name .. " == nil", sockets), ("did you mean %s?"):format(meant))
  for field in meant:gsub(" or ", " "):gmatch("%S+") do check.ok(field .. " is one", sockets.fields[field]) end
end
check.contains("no synonym over rows without the field", said("sport == 22", grouped), 'unknown name "sport"; write "sport" if')

-- Where the result has a state, it has the words for it.
result.by_name.state = fields.by_name.state
check.equal("bare states over a result with state", said("LISTEN and count > 5", catalog.of(result)), "compiled")
check.contains("but no protocols", said("tcp", catalog.of(result)), 'unknown name "tcp"')
result.by_name.state = { name = "state", type = "integer" }
check.contains("a number is no state", said("LISTEN", catalog.of(result)), 'unknown name "LISTEN"')

-- Fields that are added at run time.
local entry = { name = "added_by_test", type = "number", get = function() return 7 end }
fields.list[#fields.list + 1], fields.by_name.added_by_test = entry, entry
fields.version = fields.version and fields.version + 1
check.equal("a field that was added", said("added_by_test > 5", catalog.of(fields)), "compiled")

check.finish()
