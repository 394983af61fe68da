-- The reference of expressions, as blocks of sockq.help.page: `sockq help expr`, doc/expressions.md and
-- sockq-expr(7) come from here, and the words from the registries of the language.

local aggregates = require("sockq.expr.aggregates")
local catalog = require("sockq.catalog")
local helpers = require("sockq.expr.helpers")
local hint = require("sockq.hint")
local state = require("sockq.state")

local expression = {}

--- What an argument of the command line may be besides an expression: form, meaning, example.
expression.ARGUMENTS = {
  { ":PORT", "either end has the port, a number or a service's name", ":3000" },
  { "ADDR", "either end has the address", "10.0.0.7" },
  { "ADDR/LEN", "either end lies in the network", "10.0.0.0/8" },
  { "ADDR:PORT", "either end has both; IPv6 stands in brackets; ADDR/LEN:PORT likewise", "[::1]:443" },
}

--- The operators, those that bind tightest first: form, meaning, example.
expression.OPERATORS = {
  { "( )", "brackets", "(retrans + probes) * 2 > 6" },
  { "not  -", "the opposite of a condition, of a number", "not LISTEN" },
  { "*  /  %", "arithmetic; % is the rest of a division", "local_port % 2 == 0" },
  { "+  -", "arithmetic", "recv_q + send_q > 64 * KiB" },
  { "..", "texts one behind the other", 'local_addr .. "!" == "127.0.0.1!"' },
  { "==  ~=  <  <=  >  >=", "comparisons", "expires < 5" },
  { "and", "both", "CLOSE_WAIT and recv_q > 0" },
  { "or", "one or both", "local_port == 80 or local_port == 443" },
}

--- How a function is called: "subnet(address, bits, [v6 bits])".
---@param entry table  of sockq.expr.helpers
---@return string
function expression.helper_form(entry)
  return ("%s(%s)"):format(entry.name, table.concat(entry.args, ", "))
end

--- Lists of expressions: form, meaning, example.
expression.LISTS = {
  { "-g KEY,...", "groups; NAME=EXPR names a key", "state, net=subnet(remote_addr, 24)" },
  { "-c COL,...", "columns, in the same form", "local_port, wait=60-expires" },
  { "-s KEY,...", "the order of rows; - before a key turns it round", "-expires, local_port" },
  { "-A AGG,...", "what a group tells of its rows", "count, worst=max(expires), p99(recv_q)" },
}

--- Values that and, or and not make: form, meaning, example.
expression.VALUES = {
  { "A or B", "A, but B where A is unknown", "retrans or 0" },
  { "COND and A", "A where the condition holds, else unknown", "CLOSE_WAIT and recv_q" },
  { "COND and A or B", "one or the other", 'recv_q > 0 and "stuck" or "idle"' },
}

local function with_examples(list)
  local terms = {}
  for i, item in ipairs(list) do
    terms[i] = { item[1], ("%s: `%s`"):format(item[2], item[3]) }
  end
  return { list = terms }
end

local function helper_terms()
  local terms = {}
  for i, entry in ipairs(helpers.list) do
    terms[i] = { expression.helper_form(entry), ("%s: `%s` is %s"):format(entry.doc, entry.example[1],
      tostring(entry.example[2])) }
  end
  return { list = terms }
end

local function aggregate_terms()
  local terms = {}
  for i, entry in ipairs(aggregates.list) do
    local arguments = #entry.args > 0 and ("(%s)"):format(table.concat(entry.args, ", ")) or ""
    terms[i] = { entry.name .. arguments, ("%s: `%s`"):format(entry.doc, entry.example) }
  end
  return { list = terms }
end

local function constant_terms()
  local terms = {}
  for i, constant in ipairs(catalog.constants) do
    terms[i] = { constant.name, ("%.0f, %s"):format(constant.value, constant.doc) }
  end
  return { list = terms }
end

--- The blocks of the reference.
---@return table[]
function expression.blocks()
  return {
    { text = "An expression is a condition over the fields of a socket, in Lua's syntax. Several arguments must all "
      .. "hold; quote what has blanks or brackets from the shell. The same texts are what sockq.tcp():where() takes, "
      .. "and parts of them are keys and columns: `-c 'local_port, wait=60-expires'`." },
    { commands = {
      { "sockq CLOSE_WAIT", "a state alone" },
      { "sockq 'LISTEN and scope == \"any\"'", "open to every address" },
      { "sockq ESTAB 'recv_q > 0 or send_q > 0'", "both arguments hold" },
      { "sockq :443 'program == \"nginx\"'" },
    } },
    { head = "Whole arguments" },
    with_examples(expression.ARGUMENTS),
    { head = "Words" },
    { list = {
      { "states", table.concat(state.names, " ") .. "; `sockq help states` tells them" },
      { "protocols", table.concat(hint.keys(catalog.bare.proto), " ") },
      { "fields", "`sockq help fields` lists them; alone, a field holds when it is known: `path`" },
      { "values", 'numbers (64, 0x1f, 1.5), text ("a" or \'a\'), true, false, nil' },
    } },
    { head = "Operators" },
    with_examples(expression.OPERATORS),
    { head = "Functions" },
    helper_terms(),
    { head = "Constants" },
    constant_terms(),
    { head = "Values" },
    { text = "A key, a column or an argument of a function is a value; a condition is one as well, true or false." },
    with_examples(expression.VALUES),
    { head = "Lists" },
    { text = "Commas within brackets and quotes do not separate. What has no name is called as it is written, and later "
      .. "options know it by that: `-g state -A 'max(expires)' -s '-max(expires)'`." },
    with_examples(expression.LISTS),
    { head = "Aggregates" },
    aggregate_terms(),
    { head = "Unknown is not zero" },
    { text = "A field that a socket's table cannot tell is unknown: a socket in TIME_WAIT has no `retrans` and no "
      .. "owner, a timer that is off has no `expires`. A comparison with an unknown value is false, arithmetic on it is "
      .. "unknown, `pid == nil` asks for it. So `not (retrans > 0)` also holds where there is no count. Unknown values "
      .. "sort last, and aggregates leave them out; `owner_why` says why a row has no owner." },
    { head = "Mistakes" },
    { text = "A word that is neither field, function nor constant is an error that names the nearest one and marks the "
      .. "column. So is a number or text alone: `local_port == 22 or 443` must say `local_port` twice. A state that is "
      .. "misspelt in text is one as well." },
  }
end

return expression
