--- --data NAME=FILE: what sockq.data holds, and what is refused.
--
--   luajit tests/cli/data_files_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local DIR = posix.tmpdir("sockq-data-files")
local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
check.at_end(posix.cleanup)
posix.chmod(DIR, tonumber("755", 8))

local function file(name, text)
  posix.write_file(DIR .. "/" .. name, text)
  return DIR .. "/" .. name
end

-- A value as text: keys in order, so that it can be compared.
local SHOW = [[
local function show(value)
  if type(value) ~= "table" then return type(value) == "string" and ("%q"):format(value) or tostring(value) end
  local parts, keys = {}, {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do parts[i] = (type(key) == "number" and "" or key .. "=") .. show(value[key]) end
  return "{" .. table.concat(parts, ",") .. "}"
end
]]

--- What a file's text gives, in the sandbox and outside it.
local function gives(name, ending, text, want)
  local path = file("given" .. ending, text)
  for _, trust in ipairs { "--sandbox", "--trust" } do
    local status, out, err = program.run { trust, "--data", "x=" .. path, "-e", SHOW .. "print(show(sockq.data.x))" }
    check.equal(("%s, %s"):format(name, trust), status .. out .. err, "0" .. want .. "\n")
  end
end

--- What is wrong with a file's text is told at the line of the file.
local function wrong(name, ending, text, line, message)
  local path = file("wrong" .. ending, text)
  local status, out, err = program.run { "--data", "x=" .. path, "-e", "print(sockq.data.x)" }
  check.equal(name .. ": status", status .. out, "2")
  check.contains(name, err, ("sockq: --data: %s:%d: %s"):format(path, line, message))
end

gives("lines", ".txt", "a\nb c\r\n\nd", '{"a","b c","","d"}')
gives("lines with the last whole", "", "a\nb\n", '{"a","b"}')
gives("no lines", ".txt", "", "{}")
gives("one empty line", ".txt", "\n", '{""}')
gives("CSV", ".csv", "name,port\nweb,80\ndb,5432\n", '{{name="web",port=80},{name="db",port=5432}}')
gives("CSV without the last line feed", ".CSV", "a,b\n1,2", "{{a=1,b=2}}")
gives("CSV with carriage returns and a byte order mark", ".csv", "\239\187\191a,b\r\n1,2\r\n", "{{a=1,b=2}}")
gives("quoted cells", ".csv", 'a,b\n"x, ""y""","1\n2"\n"",z\n', '{{a="x, \\"y\\"",b="1\\\n2"},{b="z"}}')
gives("cells that are numbers", ".csv", "a,b,c,d,e,f\n1.5,-3,0,1e3,0x10,1.10\n007,+1,-0,inf,nan, 1\n",
  '{{a=1.5,b=-3,c=0,d="1e3",e="0x10",f="1.10"},{a="007",b="+1",c="-0",d="inf",e="nan",f=" 1"}}')
gives("empty cells", ".csv", "a,b\n,\n,2\n\n3,\n", "{{},{b=2},{a=3}}")
gives("CSV of a head alone", ".csv", "a,b\n", "{}")
gives("CSV of nothing", ".csv", "", "{}")
gives("TSV", ".tsv", 'a\tb\n"x"\ty, z\n', '{{a="\\"x\\"",b="y, z"}}')
gives("JSON", ".json", '{"a":[1,2.5,null,{"b":null}],"c":"\\u00e9","d":true,"e":null}', '{a={1,2.5,{}},c="é",d=true}')
gives("JSON of a number", ".json", "7", "7")
gives("NDJSON", ".ndjson", '{"a":1}\n\n[2]\n3\n', "{{a=1},{2},3}")
gives("JSON lines", ".jsonl", '{"a":1}\n', "{{a=1}}")

wrong("a row that is short", ".csv", "a,b\n1,2\n3\n", 3, "1 cells, where the first line has 2")
wrong("a row that is long", ".csv", "a,b\n1,2,3\n", 2, "3 cells, where the first line has 2")
wrong("a quote that is not closed", ".csv", 'a,b\n1,"2\n', 2, "a quote is not closed")
wrong("text behind a quote", ".csv", 'a,b\n"1"x,2\n', 2, "text stands behind a quoted cell")
wrong("lines behind a quoted line feed", ".csv", 'a,b\n"1\n1",2\n3\n', 4, "1 cells")
wrong("a column without a name", ".csv", "a,\n", 1, "a column has no name")
wrong("two columns of one name", ".csv", "a,b,a\n", 1, 'two columns are called "a"')
wrong("JSON that is cut", ".json", '{"a":', 1, "expected value but found T_END")
wrong("JSON that is too deep", ".json", ("["):rep(200) .. ("]"):rep(200), 1, "Found too many nested data structures")
wrong("a number that JSON has not", ".json", "[nan]", 1, "expected value")
wrong("NDJSON that is wrong", ".ndjson", '{"a":1}\nx\n', 2, "expected value")

-- What the option says

local hosts = file("hosts", "addr,owner\n255.255.255.212,lab\n192.168.224.239,billing\n")
local FORM = "; give NAME=FILE, or NAME:csv=FILE"
for word, message in pairs {
  x = "no form NAME=FILE" .. FORM, ["x="] = "no form NAME=FILE" .. FORM,
  ["=" .. hosts] = "the name is no word of letters, digits and _" .. FORM,
  ["a b=" .. hosts] = "the name is no word of letters, digits and _" .. FORM,
  ["x:xml=" .. hosts] = "there is no kind xml; known are csv, json, jsonl, lines, ndjson, tsv",
  ["x=" .. DIR .. "/nosuch"] = "No such file or directory; give a file that can be read",
  ["x=" .. DIR] = "not a regular file; a pipe can be given as NAME=-",
  ["x=/dev/zero"] = "not a regular file; a pipe can be given as NAME=-",
} do
  program.refuses("--data " .. word, { "--data", word, "-e", "print(1)" }, { err = ("--data %s: %s"):format(word, message) })
end
program.refuses("a name that is given twice", { "--data", "x=" .. hosts, "--data", "x:csv=" .. hosts, "-e", "print(1)" },
  { err = ("--data x:csv=%s: x is given twice; choose another name"):format(hosts) })
program.refuses("standard input that is the script", { "--data", "x=-", "-" },
  { err = "--data x=-: standard input is the script; give a file", opts = { stdin = "print(1)" } })
program.refuses("a member that was not given", { "--data", "hosts=" .. hosts, "-e", "print(sockq.data.host)" },
  { err = "-e:1: sockq.data has no host; did you mean hosts?" })
program.refuses("a member of nothing", { "-e", "print(sockq.data.x)" },
  { err = "-e:1: sockq.data has no x; give it by --data NAME=FILE" })
do
  local large = DIR .. "/large"
  assert(os.execute(("truncate -s 64M %s; printf x >>%s"):format(posix.quote(large), posix.quote(large))))
  program.refuses("more than 64 MiB", { "--data", "x=" .. large, "-e", "print(1)" },
    { err = ("--data x=%s: larger than 64 MiB; give a file that can be read"):format(large) })
  local fifo = DIR .. "/fifo"
  os.execute("mkfifo " .. posix.quote(fifo))
  program.refuses("a FIFO that nobody writes", { "--data", "x=" .. fifo, "-e", "print(1)" },
    { err = ("--data x=%s: not a regular file; a pipe can be given as NAME=-"):format(fifo) })
end

-- Joins

do
  local want = "owner    state        count\nbilling  SYN_SENT         1\nlab      ESTABLISHED      1\n"
    .. "lab      LAST_ACK         1\n"
  local status, out, err = program.run { "--proc", TREE, "--data", "hosts:csv=" .. hosts, "-e", [[
    local found = sockq.tcp():where("remote_port ~= 0"):join(sockq.data.hosts, "addr=remote_addr")
    found:group("owner, state"):sort("owner, -count"):print()
  ]] }
  check.equal("a join in a script", status .. out .. err, "0" .. want)
  status, out, err = program.run { "--proc", TREE, "--data", "hosts:csv=" .. hosts, "-t", "remote_port ~= 0", "--join",
    "hosts:addr=remote_addr", "-g", "owner,state", "-s", "owner,-count" }
  check.equal("--join of it", status .. out .. err, "0" .. want)
  status, out, err = program.run({ "--proc", TREE, "--data", "hosts:csv=-", "-t", "--join", "hosts:addr=remote_addr",
    "-g", "owner" }, { stdin = posix.read_file(hosts) })
  check.equal("standard input", status .. out .. err, "0owner    count\nlab          2\nbilling      1\n")
  program.refuses("--join of lines", { "--proc", TREE, "--data", "hosts=" .. hosts, "-t", "--join", "hosts:addr=remote_addr" },
    { err = "--data hosts: item 1 is a string; rows have to be tables, as of a CSV file" })
  for name, content in pairs { ["of a header alone"] = "address,team\n",
    ["without a value in a column"] = "address,team\n,a\n" } do
    local rows = { "--proc", TREE, "--data", "none=" .. file("none.csv", content), "-t", "--csv", "--join",
      "none:address=remote_addr" }
    status, out, err = program.run(rows)
    check.equal("--join of a file " .. name .. ": status", status .. err, "1")
    check.ok("--join of a file " .. name .. ": its columns", out:find("^[^\r\n]*address,team\r?\n$") ~= nil, out)
  end
  program.refuses("--join of an object", { "--proc", TREE, "--data", "o=" .. file("o.json", '{"a":1}'), "-t", "--join",
    "o:a=remote_addr" }, { err = "--data o: it is a JSON object; a list of objects is expected" })
  program.refuses("a name that is a table's", { "--data", "tcp:csv=" .. hosts, "-e", "print(1)" },
    { err = ("--data tcp:csv=%s: tcp is a table of sockets; choose another name"):format(hosts) })
  for _, words in ipairs { { "-t" }, { "netstat", "-t" }, { "list" }, { "doctor" }, { "check", hosts } } do
    program.refuses("--data that nothing reads: " .. table.concat(words, " "), { "--proc", TREE, "--data", "x=" .. hosts,
      unpack(words) }, { err = "--data: nothing here reads it; give it to a script, or join it by --join NAME:KEY" })
  end
  -- A row whose timer runs, so that the timer's column asks for what the kernel's text said.
  local timers = posix.realpath("tests/data/captures/mixed-2/proc")
  status, out, err = program.run { "--proc", timers, "--data", "j=" .. file("j.csv", "remote_addr,team\n192.168.52.7,a\n"),
    "-t", "--join", "j:remote_addr" }
  check.equal("the timer of joined rows: status", status .. err, "0")
  local plain = select(2, program.run { "--proc", timers, "-t", 'remote_addr == "192.168.52.7"', "-c", "timer_text",
    "--no-header" })
  check.ok("the timer of joined rows", #plain > 3 and out:find(plain:match("^%s*(.-)%s*\n"), 1, true), out .. plain)
  program.refuses("--join of neither", { "--proc", TREE, "-t", "--join", "hosts:addr=remote_addr" },
    { err = { "there is no table hosts" } })
end

-- Each holder has its own, and nothing is parsed that is not asked for.

do
  posix.mkdirs(DIR .. "/plug/timers")
  file("plug/timers/own.lua", 'return { doc = "d", format = function() return sockq.data.x[1] end }\n')
  local lines = file("lines", "first\n")
  local status, out, err = program.run { "--proc", TREE, "--path", DIR .. "/plug", "--data", "x=" .. lines, "-e",
    "sockq.data.x[1] = 'EVIL' sockq.tcp():limit(1):print { columns = { { timer = 'own' } }, header = false } "
    .. "print(sockq.data.x[1])" }
  check.equal("a script does not change what a plug-in reads", status .. out .. err, "0first\nEVIL\n")
  status, out, err = program.run { "--data", "x=" .. file("broken.json", "{"), "-e", "print('fine')" }
  check.equal("what is not asked for is not parsed", status .. out .. err, "0fine\n")
end

-- The rights are the invoker's.

if posix.geteuid() == 0 then
  local secret = file("secret.csv", "a\nSECRET\n")
  posix.chmod(secret, tonumber("600", 8))
  local status, out, err = program.run({ "--data", "x=" .. secret, "-e", "print(sockq.data.x[1].a)" },
    { env = { SUDO_UID = "54321", SUDO_GID = "54321" } })
  check.equal("under sudo, a file of root's", status .. out .. err,
    ("2sockq: --data x=%s: Permission denied; give a file that can be read\n"):format(secret))
  status, out, err = program.run { "--data", "x=" .. secret, "-e", "print(sockq.data.x[1].a)" }
  check.equal("root's own file", status .. out .. err, "0SECRET\n")
else
  program.skip_part("files under sudo", "this is not root")
end

check.finish()
