--- Expressions: syntax, unknown values, types, messages, narrowing, compilation by LuaJIT.
--
--   luajit tests/lua/expr_test.lua [SEED]    from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local expr = require "sockq.expr"
local parse = require "sockq.expr.parse"

local seed = tonumber(arg[1]) or os.time() % 1000000
math.randomseed(seed)
print("seed " .. seed)

local random = math.random

local STATES = { ESTABLISHED = true, LISTEN = true, TIME_WAIT = true, CLOSE_WAIT = true }
local function canonical_state(text)
  local word = text:gsub("-", "_")
  if word == "ESTAB" then word = "ESTABLISHED" end
  return STATES[word] and word or nil
end

local function field(name, type, more)
  local entry = more or {}
  entry.name, entry.type = name, type
  return entry
end

local catalog = {
  fields = {
    state = field("state", "string", { values = STATES, canonical = canonical_state }),
    proto = field("proto", "string"),
    local_addr = field("local_addr", "string"), local_port = field("local_port", "integer"),
    recv_q = field("recv_q", "integer"), send_q = field("send_q", "integer"),
    expires = field("expires", "number"), pid = field("pid", "integer"),
    program = field("program", "string"), orphan = field("orphan", "boolean"),
    bound = field("bound", "boolean"), owners = field("owners", "list"),
  },
  predicates = {
    LISTEN = 'state == "LISTEN"', CLOSE_WAIT = 'state == "CLOSE_WAIT"',
    TIME_WAIT = 'state == "TIME_WAIT"', ESTAB = 'state == "ESTABLISHED"',
    tcp = 'proto == "tcp" or proto == "tcp6"', udp = 'proto == "udp" or proto == "udp6"',
    owned = "pid", passive = { kind = "name", pos = 1, name = "LISTEN" },
    broken = "pid ==", misspelt = "pidd", loop = "not loop2", loop2 = "loop",
  },
  constants = { KiB = 1024, nowhere = -1 },
  helpers = {
    lower = { min = 1, max = 1, types = { "string" }, returns = "string", call = string.lower },
    least = { min = 1, types = { "number" }, returns = "number", call = math.min },
    begins = { min = 2, max = 2, types = { "string", "string" }, returns = "boolean",
      call = function(text, start) return text:sub(1, #start) == start end,
      check = function(i, value)
        return i == 2 and value == "" and "an empty start fits all; name one" or nil
      end },
    -- Known only for even numbers.
    half = { min = 1, max = 2, types = { "any" }, returns = "number",
      call = function(n) if type(n) == "number" and n % 2 == 0 then return n / 2 end end },
    thing = { min = 0, max = 0, call = function() return "x" end },
  },
}
catalog.fields.lport, catalog.fields.laddr = catalog.fields.local_port, catalog.fields.local_addr

--- What a wrong text gets: "1:COLUMN: message", or the Lua error if there is one.
local function problem(text, compile)
  local ok, compiled, err = pcall(compile or expr.compile, text, catalog)
  if not ok then return "LUA ERROR " .. tostring(compiled) end
  if compiled then return "compiled" end
  return (expr.explain_error(err):gsub("^EXPR:", ""))
end

local listener = { state = "LISTEN", proto = "tcp", local_addr = "0.0.0.0", local_port = 443,
  recv_q = 3, send_q = 128, pid = 7, program = "nginx", orphan = false, bound = true, owners = {} }
local waiting = { state = "TIME_WAIT", proto = "tcp6", local_addr = "::1", local_port = 80,
  recv_q = 0, send_q = 0, expires = 12.5 }
local nothing = {}

local predicates = {
  -- expression, of the listener, of the row in TIME_WAIT, of the row of which nothing is known
  { "LISTEN", true, false, false }, { "passive", true, false, false },
  { "tcp", true, true, false }, { "udp", false, false, false },
  { 'state == "LISTEN"', true, false, false }, { '"LISTEN" == state', true, false, false },
  { "state == 'listen'", true, false, false }, { 'state == "time-wait"', false, true, false },
  { 'state ~= "TIME-WAIT"', true, false, false }, { 'state != "ESTAB"', true, true, false },
  { "pid == 7", true, false, false }, { "pid ~= 7", false, false, false },
  { "pid ~= 8", true, false, false }, { "7 == pid", true, false, false },
  { "pid < 8", true, false, false }, { "8 > pid", true, false, false },
  { "pid <= 7 and 7 >= pid", true, false, false }, { "pid > pid", false, false, false },
  { "pid == pid", true, false, false }, { "pid ~= pid", false, false, false },
  { "pid == pid + 0", true, false, false }, { "pid + 0 == pid", true, false, false },
  { "pid == nil", false, true, true }, { "nil == pid", false, true, true },
  { "pid ~= nil", true, false, false }, { "pid != nil", true, false, false },
  { "pid + recv_q == nil", false, true, true }, { "pid * expires == nil", true, true, true },
  { "pid + 1 ~= nil", true, false, false }, { "nil == nil", true, true, true },
  { "nil ~= nil", false, false, false }, { "1 == nil", false, false, false },
  { "(pid > 5) == nil", false, false, false }, { "owners ~= nil", true, false, false },
  { "pid", true, false, false }, { "not pid", false, true, true }, { "owned", true, false, false },
  { "orphan", false, false, false }, { "bound", true, false, false },
  { "not orphan", true, true, true }, { "orphan == false", true, false, false },
  { "orphan ~= true", true, false, false }, { "orphan == nil", false, true, true },
  { "owned == true", true, false, false }, { "owned == false", false, true, true },
  { "(pid == 7) == (recv_q == 3)", true, true, true },
  { "not (pid > 5)", false, true, true }, { "not pid or recv_q > 2", true, true, true },
  { "not not (pid > 5)", true, false, false },
  { "pid > 5 and recv_q > 2 and bound", true, false, false },
  { "pid > 7 or recv_q > 2 or bound", true, false, false },
  { "pid > 7 or recv_q == 0 and tcp", false, true, false },
  { "(pid > 7 or recv_q == 0) and tcp", false, true, false },
  { "recv_q + send_q * 2 == 259", true, false, false }, { "-pid == -7", true, false, false },
  { "- -pid == 7 and --pid == 7", true, false, false }, { "pid - -1 == 8", true, false, false },
  { "send_q / 2 % 3 - 1 == 0", true, false, false }, { "10 - 2 - 3 == 5", true, true, true },
  { "2 + 3 .. '' == '5'", true, true, true }, { "expires > 12", false, true, false },
  { "recv_q + pid > 0", true, false, false }, { "pid + recv_q > 0", true, false, false },
  { "-expires < 0", false, true, false }, { "pid .. program == '7nginx'", true, false, false },
  { "program .. '!' ~= ''", true, false, false }, { "program < 'o'", true, false, false },
  { "'a' .. 'b' .. 'c' == 'abc'", true, true, true }, { "'a' < 'b'", true, true, true },
  { "lower('ABC') == 'abc'", true, true, true },
  { "lower(program) == 'nginx'", true, false, false },
  { "begins(program, 'ng')", true, false, false },
  { "not begins(program, 'ng')", false, true, true },
  { "half(pid) == nil", true, true, true }, { "half(send_q) == 64", true, false, false },
  { "half(recv_q)", false, true, false }, { "half(half(send_q)) == 32", true, false, false },
  { "least(recv_q, half(send_q), 9) == 3", true, false, false }, { "thing()", true, true, true },
  { "thing() == 'x' and thing( ) ~= 5", true, true, true },
  { "(recv_q or 0) == 0", false, true, true }, { "(pid or recv_q or -1) < 0", false, false, true },
  { "(pid and 'mine' or 'other') == 'other'", false, true, true },
  { "(orphan or bound) == true", true, false, false }, { "(nil or pid) == 7", true, false, false },
  { "recv_q > 2*KiB/KiB", true, false, false }, { "nowhere - nowhere == 0", true, true, true },
  { "lport == 443 and laddr == '0.0.0.0'", true, false, false },
  { "0x1BB == local_port and 4.43e2 == local_port", true, false, false },
  { ".5 < 1 and 5. == 5 and 1e999 > 0 and 1E-2 < 1e+2", true, true, true },
  { "true", true, true, true }, { "false", false, false, false }, { "nil", false, false, false },
  { "not nil and not false", true, true, true }, { "not (nil or false)", true, true, true },
  { "'\\65\\x42\\z  \n C\\n\\\"\\'\\\\' == \"ABC\\n\\34\\39\\092\"", true, true, true },
  { "\tLISTEN\n and\r\n(tcp)", true, false, false }, { "nottrue == nil", problem = true },
}
for _, case in ipairs(predicates) do
  local compiled, err = expr.compile(case[1], catalog)
  if case.problem then
    check.ok(case[1], not compiled)
  elseif check.ok(case[1], compiled, err and err.message) then
    check.equal(case[1] .. ", listener", compiled.predicate(listener), case[2])
    check.equal(case[1] .. ", waiting", compiled.predicate(waiting), case[3])
    check.equal(case[1] .. ", nothing", compiled.predicate(nothing), case[4])
  end
end

--- Every binary operator, with an unknown value on the left, on the right, on both sides.
for op in ("== ~= != < <= > >="):gmatch "%S+" do
  for _, text in ipairs { "pid %s 7", "7 %s pid", "pid %s recv_q", "pid %s pid" } do
    text = text:format(op)
    check.equal(text, expr.compile(text, catalog).predicate { recv_q = 7 }, false)
  end
end
for op in ("+ - * / % .."):gmatch "%S+" do
  for _, text in ipairs { "pid %s 7", "7 %s pid", "pid %s recv_q", "recv_q %s pid" } do
    text = text:format(op)
    check.equal(text, expr.compile_value(text, catalog).value { recv_q = 7 }, nil)
  end
end

local values = {
  -- expression, type, of the listener, of the row in TIME_WAIT
  { "pid", "integer", 7, nil }, { "expires", "number", nil, 12.5 }, { "lport", "integer", 443, 80 },
  { "recv_q + send_q", "number", 131, 0 }, { "pid or 0", "integer", 7, 0 },
  { "pid and expires", "number", nil, nil }, { "bound", "boolean", true, nil },
  { "pid > 5", "boolean", true, false }, { "not pid", "boolean", false, true },
  { "pid and bound", "boolean", true, false }, { "LISTEN", "boolean", true, false },
  { "recv_q > 0 and 'stuck' or 'idle'", "string", "stuck", "idle" },
  { "recv_q > 0 and 'stuck'", "string", "stuck", nil }, { "nil", "nil", nil, nil },
  { "proto .. ':' .. lport", "string", "tcp:443", "tcp6:80" }, { "1 / 0", "number", 1 / 0, 1 / 0 },
  { "half(lport) or lport", "number", 443, 40 }, { "thing()", "any", "x", "x" },
  { "1e999999999", "number", math.huge, math.huge }, { "1E+99999999999999999999", "number", math.huge, math.huge },
  { "1e-999999999", "number", 0, 0 }, { "0.00e999999999", "number", 0, 0 }, { "0x" .. ("f"):rep(300), "number", math.huge,
    math.huge },
  { "lower(thing()) .. lower('X')", "string", "xx", "xx" }, { "least(pid, thing())", "number", nil, nil },
  { "-1 % 3 - 0x10 / 4", "number", -2, -2 }, { "owners", "list", listener.owners, nil },
}
for _, case in ipairs(values) do
  local compiled, err = expr.compile_value(case[1], catalog)
  if check.ok(case[1], compiled, err and err.message) then
    check.equal(case[1] .. ", type", compiled.type, case[2])
    check.equal(case[1] .. ", listener", compiled.value(listener), case[3])
    check.equal(case[1] .. ", waiting", compiled.value(waiting), case[4])
  end
end

local VALUE = "expected a field, a value, not, - or ("
local problems = {
  -- syntax
  { "pid = 7", '1:5: unexpected "="; write ==' }, { "(pid = 7)", '1:6: unexpected "="; write ==' },
  { "pid === 7", '1:7: unexpected "="; expected a field' }, { "pid =~ 7", '1:5: unexpected "=~"; write match(text, pattern)' },
  { "program !~ 'x'", '1:9: unexpected "!~"; write not match(text, pattern)' },
  { "program ~ 'x'", '1:9: unexpected "~"; write match(text, pattern), or ~= for not equal' },
  { "program like 'x'", '1:9: unexpected "like"; write match(text, pattern)' },
  { "state in (LISTEN)", '1:7: unexpected "in"; write a == 1 or a == 2' },
  { "pid is nil", '1:5: unexpected "is"; write ==' }, { "bound within '::'", '1:7: unexpected "within"; write within(' },
  { "LISTEN tcp", '1:8: unexpected "tcp"; expected an operator such as and or the end' },
  { "(LISTEN tcp)", '1:9: unexpected "tcp"; expected an operator such as and or ")"' },
  { "/run/x.sock", '1:1: unexpected "/"; text needs quotes: path == "/run/x.sock"' },
  { "expires < 5s", "1:11: malformed number; write 5*seconds" }, { "recv_q > 64K", "1:10: malformed number; write 64*KiB" },
  { "recv_q > 1.5mb", "1:10: malformed number; write 1.5*MiB" }, { "expires < 2m", "1:11: malformed number; write 2*minutes" },
  { "recv_q > 2M", "1:10: malformed number; write 2*MiB" }, { "recv_q > 2q", "1:10: malformed number; put a space behind it" },
  { "pid && bound", '1:5: unexpected "&&"; write and' }, { "pid <> 7", '1:6: unexpected ">"' },
  { "pid || bound", '1:5: unexpected "||"; write or' },
  { "!pid", '1:1: unexpected "!"; write not' },
  { "", "1:1: the expression ends here; " .. VALUE }, { "  ", "1:3: the expression ends here; " },
  { "pid ==", "1:7: the expression ends here; " .. VALUE },
  { "pid and", "1:8: the expression ends" },
  { "(pid", '1:5: the expression ends here; expected an operator or ")"' },
  { "pid)", '1:4: unexpected ")"; expected an operator or the end' },
  { "lower(program", '1:14: the expression ends here; expected an operator, "," or ")"' },
  { "lower(program,)", '1:15: unexpected ")"; ' .. VALUE },
  { "lower(", "1:7: the expression ends" },
  { "(pid, 5)", '1:5: unexpected ","; expected an operator or ")"' },
  { "()", '1:2: unexpected ")"' },
  { "pid 5", '1:5: unexpected "5"; expected an operator or the end' },
  { "pid == == 5", '1:8: unexpected "=="; ' .. VALUE }, { "and pid", '1:1: unexpected "and"' },
  { "pid > 5 or or", '1:12: unexpected "or"; ' .. VALUE },
  { "1 < pid < 5", "1:9: comparisons do not" },
  { "pid == 5x", "1:8: malformed number" }, { "1..2", "1:1: malformed number" },
  { "0x", "1:1: malformed number" }, { "1.2.x", "1:1: malformed" },
  { "bound and 10.0.0.0/8", '1:11: an address needs quotes; write within(remote_addr, "10.0.0.0/8")' },
  { "bound and :80", "1:11: a port has a side; write local_port == 80 or remote_port == 80" },
  { "bound:80", "1:6: a port has a side" }, { "bound and :x", '1:11: unexpected ":"; expected a field' },
  { "1e == 1", "1:1: malformed" },
  { "program == 'x", "1:12: unfinished string; close it with '" },
  { 'program == "x\ny"', '1:12: unfinished string; close it with "' }, { "'\\", "1:1: unfinished" },
  { [['a\q']], "1:3: unknown escape" }, { [['\x4']], "1:2: unknown escape" },
  { [['\256']], "1:2: escape above \\255" }, { "pid # 5", '1:5: unexpected "#"' },
  { "pid\1", '1:4: unexpected "\\x01"' }, { "pid\n  \27[0m", '2:3: unexpected "\\x1b"' },
  { "pid \200", '1:5: unexpected "\\xc8"' }, { "pid\0", '1:4: unexpected "\\x00"' },
  { "pid ü 5", '1:5: unexpected "ü"; expected an operator' }, { "pid AND bound", '1:5: unexpected "AND"; did you mean and?' },
  { "pid andd bound", '1:5: unexpected "andd"; did you mean and?' }, { "pid nto bound", '1:5: unexpected "nto"; expected' },
  { "pid[1]", '1:4: unexpected "["' }, { "pid.x", '1:4: unexpected "."' },
  { "nil()", "1:4: unexp" },
  { ("pid or "):rep(10000) .. "pid", "1:1: 70003 bytes, more than the 65536" },
  -- names
  { "stat == 5", '1:1: unknown name "stat"; did you mean state?' },
  { "pid > 5 and LISTNE", '1:13: unknown name "LISTNE"; did you mean LISTEN?' },
  { "TIME-WAIT", '1:1: unknown name "TIME"; did you mean TIME_WAIT?' },
  { "program == nginx", '1:12: unknown name "nginx"; write "nginx" if it is text' },
  { "lowr(program)", '1:1: unknown function "lowr"; did you mean lower?' },
  { "xyzzy(1)", '1:1: unknown function "xyzzy"; there are begins, half, least' },
  { "pid(1)", "1:1: pid is no function" }, { "LISTEN()", "1:1: LISTEN is no function" },
  { "lower == 5", "1:1: lower is a function; write lower(...)" },
  { "lower()", "1:1: lower has 0 arguments; it takes 1 argument" },
  { "half(1, 2, 3)", "1:1: half has 3 arguments; it takes 1 to 2 arguments" },
  { "least()", "1:1: least has 0 arguments; it takes at least 1 argument" },
  { "pid and broken", "1:9: in broken: the expression ends here" },
  { "misspelt", '1:1: in misspelt: unknown name "pidd"' },
  { "pid and loop", "1:9: in loop: in loop2: " },
  { "lport == 22 or 443", "1:16: 443 is no condition; compare a field with it" },
  { "-(6 * 2)", "1:1: this value is no condition" },
  { "pid and 'x'", "1:9: \"x\" is no condition" },
  -- words of a field
  { 'state == "LISTNE"', '1:10: "LISTNE" is no state; did you mean "LISTEN"?' },
  { '"xyz" ~= state', '1:1: "xyz" is no state; it is one of CLOSE_WAIT, ESTABLISHED' },
  -- types
  { 'pid == "7"', '1:8: pid is a number, "7" a string; write 7 without quotes' },
  { 'lport < "x"', '1:9: lport is a number, "x" a string; compare lport with a number' },
  { '"x" ~= lport', '1:1: "x" is a string, lport a number' },
  { "state == 5", '1:10: state is a string, 5 a number; write "5"' },
  { "state == LISTEN",
    "1:10: state is a string, LISTEN a boolean; LISTEN is a condition by itself: write LISTEN" },
  { "not pid == 7", "1:1: not pid is a boolean, 7 a number; not binds tighter than ==" },
  { "pid == KiB == 7", "1:12: comparisons do not chain" },
  { "pid == bound", "1:8: pid is a number" },
  { "(pid < 5) < 7", "1:13: the comparison is a boolean, 7 a number" },
  { "orphan < bound", "1:1: orphan is a boolean, which has no order; use == or ~=" },
  { "owners >= owners", "1:1: owners is a list, which has no order" },
  { "thing() < thing()", "1:1: thing() is of any type, which has no order" },
  { "thing() < 5", "1:1: thing() is of any type, which has no order" },
  { "5 < thing()", "1:5: thing() is of any type, which has no order" },
  { "pid < nil", "1:7: nil has no order; == nil and ~= nil ask" },
  { "nil >= pid", "1:1: nil has no" },
  { "pid + state > 0", "1:7: state is a string; + takes numbers" },
  { "pid * 2 % 'x' > 0", '1:11: "x" is a string; % takes numbers' },
  { "-program", "1:2: program is a string; - takes a number" },
  { "pid + nil == 5", "1:7: nil is unknown; + takes numbers" },
  { "program .. bound", "1:12: bound is a boolean; .. takes strings and numbers" },
  { "lower(pid)", "1:7: argument 1 of lower is a number; give it a string" },
  { "begins(program, 5)", "1:17: argument 2 of begins is a number; give it a string" },
  { "half(nil)", "1:6: argument 1 of half is unknown; give it a value" },
  { "begins(program, '')", "1:17: an empty start fits all; name one" },
  { "(pid or 'x') == 7", "1:9: or chooses between a number and a string; give both sides one" },
}
for _, case in ipairs(problems) do
  check.contains(check.show(case[1]:sub(1, 30)), "\n" .. problem(case[1]), "\n" .. case[2])
end
check.raises("an expression is a string", "not a table", expr.compile, {}, catalog)
check.raises("and the caller is named", "expr_test.lua", function() expr.compile(5, catalog) end)

--- Errors for people.
local _, err = expr.compile("pid > 5 and\nprogam == 'x'", catalog)
check.equal("line", err.line, 2)
check.equal("column", err.column, 1)
check.equal("in one line", expr.explain_error(err),
  'EXPR:2:1: unknown name "progam"; did you mean program?')
check.equal("with a caret", expr.point_at_error(err), "progam == 'x'\n^")
_, err = expr.compile("\t\27[1m pid", catalog)
check.equal("a control byte is not shown", expr.point_at_error(err), " \\x1b[1m pid\n ^")
local pointed = {
  -- text, what is shown, columns before the caret
  { "program == 'zürich' = 5", "program == 'zürich' = 5", 20 }, { "program == '日本' = 5", "program == '日本' = 5", 18 },
  { "program == 'e\204\129' = 5", "program == 'e\204\129' = 5", 15 },
  { "program == '\255' = 5", "program == '\\xff' = 5", 18 }, { "program == '\194\155' = 5", "program == '\\xc2\\x9b' = 5", 22 },
  { "pid\nand\n\tbound\t= 5\nor x", " bound = 5", 7 }, { "pid\r\nand = 5", "and = 5", 4 }, { "pid ==\n\n", "", 0 },
  { "pid\n\n\n", nil }, { "pid and", "pid and", 7 }, { ("ü"):rep(100) .. " = 5", ("ü"):rep(36), 0 },
  { "'" .. ("日"):rep(100) .. "' = 5", ("日"):rep(17) .. "' = 5", 36 },
  { "'" .. ("\255"):rep(100) .. "' = 5", "ff" .. ("\\xff"):rep(8) .. "' = 5", 36 },
  { "= " .. ("ü"):rep(100), "= " .. ("ü"):rep(34), 0 }, { "= " .. ("日"):rep(100), "= " .. ("日"):rep(17), 0 },
}
for _, case in ipairs(pointed) do
  local compiled, why = expr.compile(case[1], catalog)
  check.equal(check.show(case[1]) .. ", compiles", compiled ~= nil, case[2] == nil)
  if why then
    local shown, caret = expr.point_at_error(why):match "^([^\n]*)\n( *)%^$"
    check.equal(check.show(case[1]) .. ", shown", shown, case[2])
    check.equal(check.show(case[1]) .. ", caret", caret and #caret, case[3])
  end
end
_, err = expr.compile(("pid or "):rep(1000) .. "= 5", catalog)
check.equal("a long line is cut", expr.point_at_error(err),
  " pid or pid or pid or pid or pid or = 5\n" .. (" "):rep(36) .. "^")

--- What narrows the collection.
local function words(set)
  local list = {}
  for word in pairs(set or {}) do list[#list + 1] = word end
  table.sort(list)
  return set and table.concat(list, " ") or nil
end

local narrowed = {
  -- expression, states, protocols
  { "LISTEN", "LISTEN" }, { "LISTEN and tcp", "LISTEN", "tcp tcp6" }, { "tcp", nil, "tcp tcp6" },
  { "LISTEN or ESTAB", "ESTABLISHED LISTEN" }, { "LISTEN or pid > 5" }, { "not LISTEN" },
  { 'state ~= "LISTEN"' }, { 'not (state ~= "LISTEN")' }, { "pid and (LISTEN or (CLOSE_WAIT))",
  "CLOSE_WAIT LISTEN" }, { 'pid == 5 and "estab" == state', "ESTABLISHED" }, { "pid" },
  { "LISTEN and tcp or ESTAB and pid", "ESTABLISHED LISTEN" }, { "LISTEN and ESTAB", "" },
  { "(LISTEN or ESTAB) and (ESTAB or CLOSE_WAIT) and pid", "ESTABLISHED" },
  { "LISTEN and tcp or ESTAB and udp", "ESTABLISHED LISTEN", "tcp tcp6 udp udp6" },
  { "LISTEN == true" }, { "(state or 'LISTEN') == 'LISTEN'" }, { "state == 'LIST' .. 'EN'" },
  { "state == nil or LISTEN" }, { "true and LISTEN", "LISTEN" }, { "state < 'LISTEN'" },
}
for _, case in ipairs(narrowed) do
  local narrow = expr.compile(case[1], catalog).narrow
  check.equal(case[1] .. ", states", words(narrow.states), case[2])
  check.equal(case[1] .. ", protocols", words(narrow.protos), case[3])
end

--- Fields: canonical names, read once and only when needed.
local function reads(text, row)
  local compiled, list = expr.compile(text, catalog), {}
  compiled.predicate(setmetatable({}, { __index = function(_, name)
    list[#list + 1] = name
    return row[name]
  end }))
  return table.concat(list, " "), words(compiled.fields)
end

local read_cases = {
  -- expression, row, what is read, what may be read
  { "LISTEN and pid > 5", listener, "state pid", "pid state" },
  { "LISTEN and pid > 5", waiting, "state", "pid state" },
  { "lport == 443 or laddr == '::1' or pid", listener, "local_port", "local_addr local_port pid" },
  { "lport > 79 and lport < 81 and lport ~= 80", waiting, "local_port", "local_port" },
  { "tcp and not (udp or pid == nil)", listener, "proto pid", "pid proto" },
  { "(pid and recv_q or send_q) > 0", waiting, "pid send_q", "pid recv_q send_q" },
  { "(pid > 9 or expires) and pid and expires", listener, "pid expires", "expires pid" },
  { "bound == false and begins(program, 'x')", waiting, "bound", "bound program" },
}
for _, case in ipairs(read_cases) do
  local got, fields = reads(case[1], case[2])
  check.equal(case[1] .. ", read", got, case[3])
  check.equal(case[1] .. ", fields", fields, case[4])
end

--- Deep and long texts: compiled, or refused in words.
local bombs = {
  { "(", "pid", ")" }, { "not ", "pid", "" }, { "-", "pid", " > 0" }, { "- (", "pid", ") > 0" },
  { "lower(", "program", ")" }, { "not (", "pid", ")" }, { "pid or (pid and (", "pid", "))" },
  { "1 + 2 * (", "pid", ") > 0" }, { "'a' .. (", "program", ") < 'b'" },
  { "half(1 + (", "pid", "))" },
  { "(bound and 1 + 2 * ", "pid", " or 3) > 0" }, { "(pid or ", "0", ") > 1" },
  { "(pid and ", "0", ") > 1" }, { "(bound == ", "bound", ")" },
  { "half(pid == 1 + 2 * half(", "pid", "))" },
}
for _, bomb in ipairs(bombs) do
  for _, depth in ipairs { 10, 45, 48, 95, 100, 101, 150, 1000, 9000 } do
    local text = bomb[1]:rep(depth) .. bomb[2] .. bomb[3]:rep(depth)
    if bomb[3]:find "[<>]" then
      local close, rest = bomb[3]:match "^(.-)( [<>].*)$"
      text = bomb[1]:rep(depth) .. bomb[2] .. close:rep(depth) .. rest
    end
    local got = problem(text)
    check.ok(("%s at depth %d"):format(bomb[1], depth), got == "compiled" and depth <= 100
      or depth > 40 and got:find "nested more than 100 deep" or got:find "bytes, more than"
      or depth > 90 and got:find "too much for one function", got)
  end
end
for _, link in ipairs { "pid == %d or ", "recv_q > %d and ", "pid == %d and recv_q or ",
  "lower(program) == '%d' or ", "(pid or %d) > 3 and " } do
  local pieces = {}
  for i = 1, 1500 do pieces[i] = link:format(i) end
  local compiled = expr.compile(table.concat(pieces) .. "pid", catalog)
  check.equal("1,500 times " .. link, compiled and compiled.predicate { pid = 1500 } ~= nil, true)
end
for _, link in ipairs { "pid + ", "pid .. ", "1 - ", "half(2) * ", "pid > 1 or ",
  "(pid or 1) or " } do
  local got = problem(link:rep(8000):sub(1, 60000 - 60000 % #link) .. "1", expr.compile_value)
  check.ok("8,000 times " .. link, got == "compiled" or got:find "too much for one function"
    or got:find "or chooses", got)
end

--- Garbage: never a Lua error.
local alphabet = { "pid", "state", "(", ")", "and", "or", "not", "==", "=", "~=", "<", "..", ".",
  "-", "'", '"', "\\", "LISTEN", "lower", "half(", ",", "nil", "true", "1", "0x", "1e", "\n", "\0",
  "\255", " ", " ", " ", "+", "%", "begins(program, 'n')", "program", "]]", "--", "KiB", "x" }
local raised
-- No control byte, and nothing but UTF-8.
local function is_clean(text) return not text:find "%c" and require("sockq.escape").bytes(text) == text end
for i = 1, 20000 do
  local pieces = {}
  for j = 1, random(0, 30) do
    pieces[j] = i % 4 == 0 and string.char(random(0, 255)) or alphabet[random(#alphabet)]
      .. (i % 2 == 0 and " " or "")
  end
  local text = table.concat(pieces)
  local ok, compiled, why = pcall(expr.compile, text, catalog)
  local answered = ok and (compiled and pcall(compiled.predicate, listener)
    or why and why.column >= 1 and #why.message > 0 and not why.message:find "too much"
    and is_clean(expr.explain_error(why)) and is_clean((expr.point_at_error(why):gsub("\n", "", 1))))
  if not answered then
    raised = check.show(text) .. ": " .. tostring(why and why.message or compiled)
  end
end
check.equal("garbage gets an answer in words", raised, nil)

--- Every byte in a string literal arrives.
local all = {}
for byte = 0, 255 do all[byte + 1] = string.char(byte) end
local bytes = table.concat(all)
check.equal("raw bytes", expr.compile_value("'" .. bytes:gsub("[\\'\n]", "\\%0") .. "'", catalog)
  .value {}, bytes)
check.equal("escaped bytes", expr.compile_value("'" .. bytes:gsub(".", function(c)
  return ("\\%03d"):format(c:byte())
end):gsub("%z", "\\000") .. "'", catalog).value {}, bytes)
check.ok("no message shows them", is_clean(parse.quote(bytes)))
for byte = 0, 255 do
  check.ok("not one of them: " .. byte, is_clean(parse.quote("a" .. string.char(byte) .. "b")))
end
check.equal("a long text is cut between characters", parse.quote(("ü"):rep(30)), '"' .. ("ü"):rep(18) .. '..."')

check.finish()
