--- The reference of expressions: every piece of code in it is an expression, a list or a word of the
--- command line, and every word of the language stands in it.
--
--   luajit tests/lua/expr_reference_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local aggregates = require "sockq.expr.aggregates"
local catalog = require "sockq.catalog"
local check = require "check"
local expr = require "sockq.expr"
local expression = require "sockq.help.expression"
local helpers = require "sockq.expr.helpers"
local sockq = require "sockq"

local words = catalog.of()

sockq.open "tests/data/captures/mixed-1/proc"
local rows = sockq.all():list()

--- How many rows have a value or fulfil a condition; nil and what is wrong.
local function count(func)
  local found = 0
  for _, row in ipairs(rows) do
    if func(row) then found = found + 1 end
  end
  return found
end

-- What a piece of code may be, and what it gives over the capture.

local function condition(text)
  local compiled, problem = expr.compile(text, words)
  return compiled and count(compiled.predicate), problem
end

local function value(text)
  local compiled, problem = expr.compile_value(text, words)
  return compiled and count(compiled.value), problem
end

local function list(options)
  return function(text)
    local items, problem = expr.list(text, words, options)
    return items and #items, problem
  end
end

local function argument(text)
  local made, problem = expr.argument(text)
  if not made then return nil, problem end
  return condition(made)
end

local function compiles(kind, text, at_least)
  local found, problem = kind(text)
  check.ok(text, found and found >= at_least, problem and expr.explain_error(problem) or "no row")
end

for _, item in ipairs(expression.ARGUMENTS) do compiles(argument, item[3], 0) end
for _, item in ipairs(expression.OPERATORS) do compiles(condition, item[3], 0) end
for _, item in ipairs(expression.VALUES) do compiles(value, item[3], 1) end
local options = { ["-g"] = { keys = true }, ["-c"] = {}, ["-s"] = { descending = true }, ["-A"] = { aggregates = true } }
for _, item in ipairs(expression.LISTS) do compiles(list(options[item[1]:sub(1, 2)]), item[3], 2) end
for _, entry in ipairs(aggregates.list) do compiles(list { aggregates = true }, entry.example, 1) end
for _, entry in ipairs(helpers.list) do compiles(value, entry.example[1], 0) end

-- Code in running text: as the shell or as an expression takes it.
local OPTION = "^%-[gAsc] (.*)$"
for _, block in ipairs(expression.blocks()) do
  for code in (block.text or ""):gmatch "`([^`]*)`" do
    local rest = code:match(OPTION)
    if rest then
      for letter, quoted in code:gsub("(%-[gAsc]) ([^' ]+)", "%1 '%2'"):gmatch "%-([gAsc]) '([^']+)'" do
        local catalog_of = quoted:find "max" and letter == "s" and catalog.of {
          by_name = { ["max(expires)"] = { name = "max(expires)", type = "number" } },
        } or words
        local items, problem = expr.list(quoted, catalog_of, options["-" .. letter])
        check.ok(code .. ": -" .. letter, items, problem and problem.message)
      end
    elseif code == "local_port == 22 or 443" then
      check.contains(code, select(2, condition(code)).message, "443 is no condition")
    else
      compiles(code:find "^[%l_]+$" and value or condition, code, 0)
    end
  end
end

-- Nothing is missing.
local parts = {}
for _, block in ipairs(expression.blocks()) do
  parts[#parts + 1] = block.text or block.head
  for _, item in ipairs(block.list or {}) do parts[#parts + 1] = item[1] .. " " .. item[2] end
end
local text = table.concat(parts, "\n")
for _, names in ipairs { words.helpers, words.constants, aggregates.by_name, catalog.bare.proto } do
  for name in pairs(names) do check.ok(name .. " is in the reference", text:find("%f[%w]" .. name .. "%f[%W]")) end
end
for _, name in ipairs(require("sockq.state").names) do check.contains(name, text, name) end

check.finish()
