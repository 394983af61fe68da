--- The formats: hand-made rows of all kinds of values, read back by other programs' parsers; what is
--- printed for people, by its text.
--
--   luajit tests/lua/formats_test.lua [--seed N]        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local ffi = require "ffi"
local plugin = require "sockq.plugin"
local posix = require "posix"
local readback = require "readback"
local value = require "sockq.value"
local width = require "sockq.width"

--- Columns over lists: the i-th value of a row.
local function columns(list)
  local made = {}
  for i, column in ipairs(list) do
    if type(column) == "string" then column = { name = column } end
    local numeric = column.type == "integer" or column.type == "number"
    made[i] = {
      name = column.name, title = column.title or column.name, type = column.type or "string", role = column.role,
      unit = column.unit, doc = column.doc, values = column.values, identifies = column.identifies, empty = column.empty,
      align = column.align or (numeric and "right" or "left"), shrink = column.shrink, width = column.width,
      unknown = column.unknown or "-", fields = {}, get = function(row) return row[i] end,
    }
  end
  return made
end

--- What a format writes, and in how many pieces.
local function print_as(format, list, rows, options)
  options = options or {}
  if options.header == nil then options.header = true end
  local pieces = {}
  local sink, wrong = assert(plugin.load("formats", format)).open(columns(list), options,
    function(text) pieces[#pieces + 1] = text end)
  if not sink then return nil, wrong end
  for _, row in ipairs(rows) do sink.row(row) end
  sink.finish()
  return table.concat(pieces), #pieces
end

-- Every value in every place

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end
local ALL_BYTES = table.concat(every_byte)

local TEXTS = {
  "", " ", "plain", " blanks ", "comma, comma", 'quote "', '"', '""', "a\nb", "\n", "\r\n", "\t", "\\", "\\n", "\\x41", "\\u0041",
  "\27[31mred\27[0m", "nul\0byte", ALL_BYTES, "\127", "\194\155d", "\192\128", "\237\160\128", "\244\144\128\128", "\255",
  "\226\128\174rtl", "\226\128\168", "日本語", "e\204\129", "\240\159\152\128", "-", "null", "true", "NaN", "12", "=1+1", "#x",
  "'", "{a=\"b\"}", "a|b", "--", "]]", "${x}", "%s%d%%", ("x"):rep(70000), (("é,\n"):rep(30000)), "\239\187\191bom",
}
local NUMBERS = {
  0, -0.0, 1, -1, 0.5, -0.5, 0.01, 0.1, 1 / 3, 6599.24, 59.99, 1e-5, 123456.789, 65535, 2 ^ 31, 2 ^ 32, 2 ^ 53, -2 ^ 53,
  2 ^ 53 - 1, 2 ^ 53 + 2, 2 ^ 64, 1e15, 1e16, 1e17, 123456789012345678, 1e300, 5e-324, 1.7976931348623157e308,
  0 / 0, 1 / 0, -1 / 0, 0.1 + 0.2, 4.35, 1e9 + 0.25, 2 ^ 46 + 0.25,
}
local OTHERS = { true, false, {}, { 1, 2.5 }, { "a", "b" }, { { pid = 7, fd = 3, program = "p", cmdline = "p -x" } },
  { { from = 0, to = 1, count = 4 }, { from = 1, to = 2, count = 0 }, { from = 2, to = 4, count = 1 } } }

local NASTY_NAMES = { "text", "number", "other", "a b", 'max("x")', "日本", "end", "state\n" }

local rows = {}
for i = 1, math.max(#TEXTS, #NUMBERS) do
  rows[i] = { TEXTS[i], NUMBERS[i], OTHERS[i % 9], TEXTS[#TEXTS + 1 - i], NUMBERS[#NUMBERS + 1 - i], "x", i,
    i % 2 == 0 and "y" or nil }
end
rows[#rows + 1] = {}
--- As many as it takes for several buffers; and more than a function of Lua's has constants.
local many = {}
for i = 1, 3000 do
  many[i] = { "row " .. i, i, nil, i % 3 == 0 and "é" or nil, i / 100, ("%x"):format(i), i % 7 == 0 and i or nil, "\\" .. i }
end
local endless = {}
for i = 1, 70000 do endless[i] = { "r" .. i, i, nil, nil, nil, nil, 70000 + i } end

for _, format in ipairs { "json", "ndjson", "csv", "tsv", "records" } do
  for name, list in pairs { nasty = rows, ["no rows"] = {}, many = many, ["one row"] = { rows[4] } } do
    readback.compare(format, name, NASTY_NAMES, list, (print_as(format, NASTY_NAMES, list)))
  end
  -- a single column, where a line may be empty
  local single = {}
  for i, text in ipairs(TEXTS) do single[i] = { text } end
  single[#single + 1] = {}
  readback.compare(format, "one column", { "only" }, single, (print_as(format, { "only" }, single)))
  -- a column that says it is a number and gives texts, and the other way round
  local liars = { { name = "n", type = "integer" }, { name = "s", type = "string" } }
  readback.compare(format, "other types than said", { "n", "s" }, { { "7", 7 }, { nil, nil }, { "x\n", 0.25 } },
    (print_as(format, liars, { { "7", 7 }, { nil, nil }, { "x\n", 0.25 } })))
  local text, pieces = print_as(format, NASTY_NAMES, many)
  check.ok(format .. ": one write for about 64 KiB", pieces <= #text / 32768 + 1, pieces .. " writes for " .. #text)
end
for name, list in pairs { nasty = rows, ["no rows"] = {}, many = many, endless = endless, ["one row"] = { rows[4] } } do
  readback.compare_lua(name, NASTY_NAMES, list, (print_as("lua", NASTY_NAMES, list)))
end
check.equal("lua: few rows are one constructor", print_as("lua", { "a", "end" }, { { 1, "x" }, { nil, "y\n" }, {} }),
  'return {\n{ a = 1, ["end"] = "x", },\n{ ["end"] = "y\\n", },\n{ },\n}\n')

-- Random rows: texts that are near to what formats give a meaning, and every kind of double

local seed = tonumber(arg[1] == "--seed" and arg[2]) or os.time()
math.randomseed(seed)
local PIECES = { '"', "\\", ",", "\n", "\r", "\t", "\0", "\27", "\127", "\128", "\194", "\194\128", "\195\169", "\226\130",
  "\237\160\128", "\240\159\152\128", "\255", "'", " ", "x", "n", "]", "}", "|", "=", "\\x" }

local function random_text()
  local parts = {}
  for i = 1, math.random(0, 12) do
    parts[i] = math.random(3) == 1 and string.char(math.random(0, 255)) or PIECES[math.random(#PIECES)]
  end
  return table.concat(parts)
end

local bits = ffi.new("union { double number; uint32_t half[2]; }")
local function random_number()
  local kind = math.random(4)
  if kind == 1 then return math.random(0, 2 ^ 31 - 1) end
  if kind == 2 then return math.random(-10 ^ 9, 10 ^ 9) / 100 end
  if kind == 3 then return math.random() * 10 ^ math.random(-20, 20) end
  bits.half[0], bits.half[1] = math.random(0, 2 ^ 32 - 1), math.random(0, 2 ^ 32 - 1)
  -- The FFI hands over the bits of a NaN as they are, and some of them are LuaJIT's tags of other types.
  if bit.band(bits.half[1], 0x7ff00000) == 0x7ff00000 then return ({ 0 / 0, 1 / 0, -1 / 0 })[math.random(3)] end
  return bits.number
end

local names, random_rows = { "one", "two", "three", "four" }, {}
for i = 1, 2000 do
  local row = {}
  for k = 1, 4 do
    local kind = math.random(5)
    if kind < 3 then row[k] = random_text() elseif kind < 5 then row[k] = random_number() end
  end
  random_rows[i] = row
end
local with_seed = "random rows, --seed " .. seed
for _, format in ipairs { "json", "ndjson", "csv", "tsv", "records" } do
  readback.compare(format, with_seed, names, random_rows, (print_as(format, names, random_rows)))
end
readback.compare_lua(with_seed, names, random_rows, (print_as("lua", names, random_rows)))
readback.count_by_jq(with_seed, print_as("ndjson", names, random_rows), #random_rows)

-- 64-bit integers of the FFI

for format, want in pairs {
  json = '[\n{"n":18446744073709551615}\n]\n', ndjson = '{"n":18446744073709551615}\n', csv = 'n\r\n"18446744073709551615"\r\n',
  tsv = "n\n18446744073709551615\n", lua = 'return {\n{ n = "18446744073709551615", },\n}\n',
} do
  check.equal(format .. ": a 64-bit integer", print_as(format, { "n" }, { { -1ULL } }), want)
end

-- JSON as jq reads it; what cannot be told from what

readback.count_by_jq("ndjson", print_as("ndjson", NASTY_NAMES, rows), #rows)
readback.count_by_jq("json", print_as("json", NASTY_NAMES, rows), #rows, ".[0] | length")
readback.count_by_jq("json, no rows", print_as("json", NASTY_NAMES, {}), 0, ".[0] | length")
check.equal("json, no rows", print_as("json", { "a" }, {}), "[]\n")
check.equal("ndjson, no rows", print_as("ndjson", { "a" }, {}), "")
check.equal("csv, no rows: the header", print_as("csv", { "a", "b" }, {}), "a,b\r\n")
check.equal("csv, no header", print_as("csv", { "a", "b" }, { { 1, 2 } }, { header = false }), "1,2\r\n")
check.equal("tsv, no header", print_as("tsv", { "a", "b" }, { { 1, 2 } }, { header = false }), "1\t2\n")
check.equal("json: bytes that are no UTF-8", print_as("ndjson", { "a" }, { { "\255\\xff\27" } }),
  '{"a":"\\\\xff\\\\xff\\u001b"}\n')

-- Numbers in their shortest form

for _, number in ipairs(NUMBERS) do
  local text = value.number(number)
  if number ~= number or number == 1 / 0 or number == -1 / 0 then check.equal("no number", text, nil)
  else
    check.equal("a number reads back: " .. text, tonumber(text), number)
    check.ok("a whole number has no exponent: " .. text, number % 1 ~= 0 or math.abs(number) > 2 ^ 53 or text:find("^%-?%d+$"))
  end
end

-- Records

check.equal("records", print_as("records", { "proto", "recv_q", "x" }, { { "tcp", 5 }, { "a\nb", 0.25, "" } }),
  "-[ RECORD 1 ]+--------------------\nproto  | tcp\nrecv_q | 5\nx      | -\n"
    .. "-[ RECORD 2 ]+--------------------\nproto  | a\\nb\nrecv_q | 0.25\nx      | \n")
check.equal("records, no header", print_as("records", { "a" }, { { 1 }, { 2 } }, { header = false }), "a | 1\n\na | 2\n")
check.equal("records, a long name", print_as("records", { "a_long_name_of_a_field" }, { { 1 } }),
  "-[ RECORD 1 ]----------+--------------------\na_long_name_of_a_field | 1\n")

-- The table

local TABLE = { "name", { name = "n", type = "number" }, { name = "last" } }
check.equal("table", print_as("table", TABLE, { { "a", 1, "x" }, { "long", 12.5, nil }, { "", 1e9, true } }),
  "name           n  last\na              1  x\nlong       12.50  -\n      1000000000  true\n")
check.equal("table: small numbers", print_as("table", { "x" }, { { 0.25 }, { 0.05 }, { 0.0123456 }, { 0.000233 }, { 2.3e-05 },
  { -0.0004 }, { 2.5e-08 } }), "x\n0.25\n0.05\n0.0123\n0.000233\n0.000023\n-0.0004\n2.5e-08\n")
check.equal("table, no header", print_as("table", TABLE, { { "a", 1, "x" } }, { header = false }), "a  1  x\n")
check.equal("table, no rows", print_as("table", TABLE, {}), "")
check.equal("table: lists, owners, histograms", print_as("table", { "x" }, {
  { { "a", "b\n" } }, { { 1, 2.5 } }, { OTHERS[6] }, { OTHERS[7] }, { {} } }),
  "x\na,b\\n\n1,2.5\n7/3\n0..1:4 2..4:1\n\n")
check.equal("table: wide and combining characters", print_as("table", { "c", "d" }, {
  { "日本", "x" }, { "e\204\129", "x" }, { "\240\159\152\128", "x" }, { "abcde", "x" }, { "Ελλ", "x" } }),
  "c      d\n日本   x\ne\204\129      x\n\240\159\152\128     x\nabcde  x\nΕλλ    x\n")
check.equal("table: a title may be wide", print_as("table", { "日", "x" }, { { "a", "b" } }), "日  x\na   b\n")
do
  local list = { { name = "a", shrink = 5 }, "b" }
  local long = { { "abcdefghijklmnop", "yyyy" } }
  check.equal("table: a pipe gets the full text", print_as("table", list, long), "a                 b\nabcdefghijklmnop  yyyy\n")
  check.equal("table: a terminal that is wide enough", print_as("table", list, long, { terminal = 22 }),
    "a                 b\nabcdefghijklmnop  yyyy\n")
  check.equal("table: a narrow terminal", print_as("table", list, long, { terminal = 12 }), "a       b\nabc~nop yyyy\n")
  check.equal("table: no narrower than the column says", print_as("table", list, long, { terminal = 3 }),
    "a     b\nab~op yyyy\n")
  check.equal("table: wide characters are shortened by their width", print_as("table", list,
    { { "日本語日本語日本語", "yyyy" } }, { terminal = 12 }), "a       b\n日~本語 yyyy\n")
end
do
  local states = { { name = "state" }, "x" }
  local two = { { "CLOSE_WAIT", "y" }, { "LISTEN", "z" }, { "NOSUCH", "CLOSE_WAIT" }, {} }
  local plain = print_as("table", states, two)
  check.ok("table: no colour unless wanted", not plain:find("\27"), plain)
  local colored = print_as("table", states, two, { color = true })
  check.equal("table: colours take no width", colored:gsub("\27%[%d*m", ""), plain)
  check.equal("table: colours", colored, "\27[1mstate       x\27[0m\n\27[31mCLOSE_WAIT\27[0m  y\n\27[32mLISTEN\27[0m      z\n"
    .. "NOSUCH      CLOSE_WAIT\n-           -\n")
  check.equal("table: a state that is no first column", print_as("table", { "x", { name = "state" } }, { { "y", "CLOSE_WAIT" } },
    { color = true, header = false }), "y  \27[31mCLOSE_WAIT\27[0m\n")
  check.equal("table: a shortened state keeps its colour", print_as("table", { { name = "state", shrink = 5 }, "x" },
    { { "CLOSE_WAIT", "y" } }, { color = true, header = false, terminal = 8 }), "\27[31mCL~AIT\27[0m y\n")
end
do
  -- widths come from the first 10,000 rows; a wider cell behind them pushes its line
  local list = {}
  for i = 1, 10001 do list[i] = { "abc", i } end
  list[10001] = { "wider", 1 }
  list[10002] = { "x", 2 }
  local lines = {}
  for line in print_as("table", { "a", { name = "n", type = "integer" } }, list):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  check.equal("table: all rows", #lines, 10003)
  check.equal("table: the last of the sample", lines[10001], "abc  10000")
  check.equal("table: one that pushes", lines[10002], "wider      1")
  check.equal("table: the next", lines[10003], "x        2")
end
for text, columns_of in pairs { [""] = 0, abc = 3, ["é"] = 1, ["日"] = 2, ["e\204\129"] = 1, ["\240\159\152\128"] = 2,
  ["\226\128\139"] = 0, ["ｆ"] = 2, ["한"] = 2, ["\194\173"] = 1, ["─"] = 1, ["\240\160\128\128"] = 2, ["\239\184\143"] = 0 } do
  check.equal("width of " .. check.show(text), width.of(text), columns_of)
end

-- Bars

local GROUP = { { name = "state", role = "key" }, { name = "count", role = "value", type = "integer" } }
check.equal("bars, ASCII", print_as("bars", GROUP, { { "LISTEN", 20 }, { "CLOSE", 10 }, { nil, 1 }, { "x", 0 }, { "y", nil } },
  { terminal = 30 }), "state   count\nLISTEN     20  ###############\nCLOSE      10  ########\n"
  .. "-           1  #\nx           0\ny           -\n")
check.equal("bars, blocks in eighths", print_as("bars", GROUP, { { "a", 80 }, { "b", 40 }, { "c", 1 }, { "d", 79 } },
  { terminal = 24, utf8 = true, header = false }),
    "a  80  █████████████████\nb  40  ████████▌\nc   1  ▎\nd  79  ████████████████▊\n")
check.equal("bars, without a terminal 80 columns", print_as("bars", GROUP, { { "a", 1 } }, { header = false }),
  "a  1  " .. ("#"):rep(74) .. "\n")
check.equal("bars: NaN, infinite, negative", print_as("bars", GROUP, { { "a", 0 / 0 }, { "b", 1 / 0 }, { "c", -1 }, { "d", 5 } },
  { header = false, terminal = 30 }), "a  nan\nb  inf  ######################\nc   -1\nd    5  #\n")
check.equal("bars of the first number that is no name", print_as("bars", { { name = "pid", type = "integer", identifies = true },
  { name = "recv_q", type = "integer" } }, { { 7, 2 } }, { header = false, terminal = 20 }), "7  2  ##############\n")
do
  local sink, wrong = print_as("bars", { "a", { name = "pid", type = "integer", identifies = true } }, {})
  check.equal("bars without a number", sink, nil)
  check.contains("bars without a number: the remedy", wrong, "bars: no column is a number to draw; ")
  for _, terminal in ipairs { 1, 20, 40, 79 } do
    local text = print_as("bars", GROUP, { { ("long"):rep(20), 10 }, { "b", 5 } }, { terminal = terminal })
    for line in text:gmatch("[^\n]+") do
      check.ok("bars: no line is longer than a terminal of " .. terminal, #line <= math.max(terminal, 36), line)
    end
  end
end
do
  local hist = { { name = "state", role = "key" }, { name = "h", type = "histogram", role = "value", unit = "bytes" } }
  local buckets = { { from = 0, to = 1, count = 4 }, { from = 512, to = 1024, count = 0 }, { from = 1024, to = 2048, count = 2 } }
  check.equal("bars of histograms", print_as("bars", hist, { { "a", buckets }, { nil, { buckets[1] } } }, { terminal = 29 }),
    "state=a\n      0..1  4  ##############\n  512..1Ki  0\n  1Ki..2Ki  2  #######\n\nstate=-\n  0..1  4  ##################\n")
  check.equal("bars of one histogram", print_as("bars", { hist[2] }, { { { buckets[1] } } }, { terminal = 21, utf8 = true }),
    "0..1  4  ████████████\n")
  check.equal("bars of a histogram of seconds", print_as("bars", { { name = "h", type = "histogram" } },
    { { { buckets[3] } } }, { terminal = 14 }), "1024..2048  2  ##########\n")
  check.equal("bars of no histogram", print_as("bars", { hist[2] }, { {} }), "")
end

-- Prometheus

local function samples(name, list, rows_of, options)
  return readback.samples("prometheus, " .. name, print_as("prometheus", list, rows_of, options))
end
local STATES = { "LISTEN", "CLOSE", "TIME_WAIT" }
local KEY = { name = "state", role = "key", values = STATES }
local COUNT = { name = "count", role = "value", type = "integer", empty = 0, doc = "how many rows" }
do
  local got, metrics = samples("a group", { KEY, COUNT, { name = "max(expires)", role = "value", type = "number",
    unit = "seconds" } },
    { { "LISTEN", 3 }, { "TIME_WAIT", 2, 59.5 } })
  check.equal("prometheus: metrics", table.concat(metrics, " "), "sockq_sockets sockq_sockets_max_expires")
  check.equal("prometheus: a count", got.sockq_sockets['{state="LISTEN"}'], "3")
  check.equal("prometheus: a zero", got.sockq_sockets['{state="CLOSE"}'], "0")
  check.equal("prometheus: an aggregate", got.sockq_sockets_max_expires['{state="TIME_WAIT"}'], "59.5")
  check.equal("prometheus: an unknown value", got.sockq_sockets_max_expires['{state="LISTEN"}'], nil)
  check.equal("prometheus: no zero of what is unknown", got.sockq_sockets_max_expires['{state="CLOSE"}'], nil)
  got = samples("no rows", { KEY, COUNT }, {}, { title = "queues" })
  check.equal("prometheus, no rows: zeros", got.sockq_queues['{state="CLOSE"}'] .. got.sockq_queues['{state="LISTEN"}'], "00")
  got = samples("two keys", { { name = "program", role = "key" }, KEY, COUNT }, { { "a", "LISTEN", 1 }, { nil, "CLOSE", 2 } })
  local count = 0
  for _ in pairs(got.sockq_sockets) do count = count + 1 end
  check.equal("prometheus, two keys: zeros beside what was seen", count, 6)
  check.equal("prometheus, two keys: one", got.sockq_sockets['{program="a",state="CLOSE"}'], "0")
  check.equal("prometheus, two keys: an unknown one", got.sockq_sockets['{state="TIME_WAIT"}'], "0")
  got = samples("two domains", { KEY, { name = "p", role = "key", values = { "tcp", "udp" } }, COUNT }, { { "LISTEN", "tcp",
    1 } })
  check.equal("prometheus, two domains", got.sockq_sockets['{state="TIME_WAIT",p="udp"}'], "0")
  check.equal("prometheus, a key without known words, no rows", print_as("prometheus", { { name = "p", role = "key" },
    COUNT }, {}), "")
end
do
  local list = { "name", { name = "port", type = "integer", identifies = true }, { name = "recv_q", type = "integer" },
    { name = "total", type = "number" }, { name = "histogram(x)", type = "histogram" }, { name = "recv q", type = "number" } }
  local got = samples("rows", list, { { 'q"\\\n\27\255é', 80, 5, 1e300, { { from = 0, to = 0.5, count = 2 } }, 1 / 3 },
    { "same", 1, 2, 0 / 0 }, { "same", 1, 3, -1 / 0 }, { nil, nil, 4 }, { "", 2, 5 } })
  local nasty = '{name="q\\"\\\\\\n\\\\x1b\\\\xffé",port="80"'
  check.equal("prometheus: labels are escaped", got.sockq_sockets_recv_q[nasty .. "}"], "5")
  check.equal("prometheus: a large number", tonumber(got.sockq_sockets_total_value[nasty .. "}"]), 1e300)
  check.equal("prometheus: a histogram", got.sockq_sockets_distribution_x[nasty .. ',from="0",to="0.5"}'], "2")
  check.equal("prometheus: names that become the same", got.sockq_sockets_recv_q_2[nasty .. "}"], value.number(1 / 3))
  check.equal("prometheus: NaN", got.sockq_sockets_total_value['{name="same",port="1"}'], "NaN")
  check.equal("prometheus: rows that look alike", got.sockq_sockets_recv_q['{name="same",port="1",duplicate="2"}'], "3")
  check.equal("prometheus: infinite", got.sockq_sockets_total_value['{name="same",port="1",duplicate="2"}'], "-Inf")
  check.equal("prometheus: no label", got.sockq_sockets_recv_q[""], "4")
  check.equal("prometheus: an empty label is none", got.sockq_sockets_recv_q['{port="2"}'], "5")
  got = samples("no numbers", { "日本", "9x", "__x" }, { { "a", "b", "c" }, { "a", "b", "c" } }, { title = "日 x" })
  check.equal("prometheus: names made valid", got.sockq_x_info and got.sockq_x_info['{c="a",c_9x="b",x="c"}'], "1")
  samples("nasty values", NASTY_NAMES, rows)
  samples(with_seed, names, random_rows)
  samples(with_seed .. ", as numbers", { "one", { name = "two", type = "number" }, "three",
    { name = "four", type = "number" } }, random_rows)
  samples("nasty values as numbers", { "text", { name = "number", type = "number" }, "other", "d", { name = "e",
    type = "number" } }, rows)
end

posix.cleanup()
check.finish()
