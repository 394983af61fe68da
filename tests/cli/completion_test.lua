--- Completion: what may come next, from the registries; and real shells that ask for it.
--
--   luajit tests/cli/completion_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local tmux = require "tmux"

local run, refuses = program.run, program.refuses

check.at_end(function()
  tmux.cleanup()
  posix.cleanup()
end)

local DIR = posix.tmpdir("sockq-completion")
local BIN = program.path:match("^(.*)/")
local CONFIG = DIR .. "/config"
posix.mkdirs(CONFIG .. "/sockq/reports")
posix.mkdirs(CONFIG .. "/sockq/timers")
posix.write_file(CONFIG .. "/sockq/reports/mine.lua", [[return { help = "who is mine", args = {
  { name = "how", type = "word", words = { "fast", "slow" }, doc = "speed" },
  { name = "top", type = "count", default = 5, doc = "how many" } }, run = function() end }]] .. "\n")
posix.write_file(CONFIG .. "/sockq/timers/left.lua", 'return { doc = "seconds", format = function() return "" end }\n')
local ENVIRONMENT = program.environment {
  XDG_CONFIG_HOME = CONFIG, PATH = BIN .. ":" .. os.getenv("PATH"), LC_ALL = "C.UTF-8", HOME = DIR,
}

--- The candidates for the last word, and the directives.
local function ask(line)
  local words = { "completion", "words", "--" }
  for _, word in ipairs(line) do words[#words + 1] = word end
  local status, out, err = run(words, { env = ENVIRONMENT })
  local name = "completion of " .. table.concat(line, " ")
  check.equal(name .. ": status", status .. err, "0")
  local found, directives = {}, {}
  for _, text in ipairs(program.lines(out)) do
    local word, meaning = text:match("^([^\t]*)\t(.*)$")
    if word == "" then
      directives[#directives + 1] = meaning
    else
      found[#found + 1] = word
      check.ok(name .. ": begins like the word", word:sub(1, #line[#line]) == line[#line], word)
    end
  end
  return found, table.concat(directives, " ")
end

local function completes(line, want, directive)
  local found, directives = ask(line)
  local name = "completion of " .. table.concat(line, " ")
  check.equal(name, table.concat(found, " "), want)
  check.equal(name .. ": directives", directives, directive or "")
end

local function offers(line, ...)
  local found = ask(line)
  for _, word in ipairs { ... } do
    check.contains("completion of " .. table.concat(line, " "), " " .. table.concat(found, " ") .. " ", " " .. word .. " ")
  end
end

local function registry(chunk)
  local status, out, err = run({ "--trust", "-e", chunk }, { env = ENVIRONMENT })
  check.equal("registry", status .. err, "0")
  return program.lines(out)
end

-- Every option and command has its entry.
check.equal("options whose argument is not known", table.concat(registry [[
  local arguments = require("sockq.completion").ARGUMENTS
  for _, o in ipairs(require("sockq.core").options()) do
    if (o.argument ~= nil) ~= (arguments[o.name] ~= nil) then print(o.name) end
  end]], " "), "")
check.equal("commands whose words are not known", table.concat(registry [[
  local known = require("sockq.completion").WORDS
  for _, name in ipairs(require("sockq.help.words").embedded("commands")) do
    if not known[name] then print(name) end
  end
  for name in pairs(known) do require("sockq.commands." .. name) end]], " "), "")

-- Words

completes({ "--form" }, "--format")
completes({ "--js" }, "--json")
completes({ "--wat" }, "--watch --watch=", "joined")
completes({ "--timer", "h" }, "human")
completes({ "--timer=h" }, "--timer=human")
completes({ "--timer", "le" }, "left")
completes({ "--color", "a" }, "auto always")
completes({ "--proc", "" }, "", "folders")
completes({ "--read", "" }, "", "files")
completes({ "-e", "" }, "")
completes({ "-L", "" }, "")
completes({ "-g", "local_p" }, "local_port")
completes({ "-g", "state,lpo" }, "state,lport")
completes({ "-g", "state,remote_p" }, "state,remote_port")
completes({ "-tg", "local_p" }, "local_port")
completes({ "--group=local_p" }, "--group=local_port")
completes({ "-g", "subn" }, "subnet(", "joined")
completes({ "-g", "subnet(remote_a" }, "subnet(remote_addr subnet(remote_addrs")
completes({ "-s", "-expi" }, "-expires")
completes({ "-g", "state", "-A", "worst=max(expires)", "-s", "wor" }, "worst")
completes({ "-g", "state", "-s", "-cou" }, "-count")
completes({ "-A", "hist" }, "histogram(", "joined")
completes({ "-A", "count, max(retr" }, "count, max(retrans count, max(retrans_now count, max(retrans_total")
completes({ "--from", "tcp,net" }, "tcp,netlink")
completes({ "--join", "netl" }, "netlink:", "joined")
completes({ "--join", "tcp:local_p" }, "tcp:local_port")
completes({ "CLOSE_W" }, "CLOSE_WAIT", "lua")
completes({ "tcp", "ESTA" }, "ESTABLISHED")
completes({ 'state == "TIME' }, 'state == "TIME_WAIT')
completes({ "timer ~= 'keep" }, "timer ~= 'keepalive")
completes({ "-t", "--", "CLOSE_W" }, "CLOSE_WAIT", "lua")
completes({ ":" }, "")
completes({ "netsta" }, "netstat", "lua")
completes({ "netstat", "-" }, "")
completes({ "netstat", "a" }, "")
completes({ "x.lua", "-" }, "", "files")
completes({ "dir/" }, "", "lua")
completes({ "min" }, "mine min_rtt", "lua")
completes({ "mine", "" }, "fast slow how= top=", "joined")
completes({ "mine", "top=3", "sl" }, "slow")
completes({ "mine", "how=" }, "how=fast how=slow")
completes({ "mine", "fast", "" }, "top=", "joined")
completes({ "mine", "--js" }, "--json")
completes({ "list", "" }, "timers formats reports views")
completes({ "show", "timer", "" }, "explain human left netstat ss")
completes({ "show", "reports", "mi" }, "mine")
completes({ "show", "timer", "human", "" }, "")
completes({ "completion", "" }, "bash zsh fish words")
completes({ "check", "" }, "", "files")
completes({ "help", "recordi" }, "recordings recording")
offers({ "" }, "LISTEN", "TIME_WAIT", "tcp", "netstat", "help", "list", "mine", "state")
offers({ "help", "" }, "expr", "watch", "expires", "where", "LISTEN", "human", "netstat", "mine", "within")
offers({ "-" }, "-t", "--tcp", "-g", "--group", "--watch", "--watch=")
offers({ "-c", "" }, "state", "program", "within(")
do
  -- Everything that the registries hold is offered somewhere.
  for kind, line in pairs { fields = { "-c", "" }, formats = { "-f", "" }, timers = { "--timer", "" }, tables = { "--from", "" },
    states = { "" }, reports = { "" }, views = { "" }, commands = { "" }, options = { "-" }, topics = { "help", "" } } do
    offers(line, unpack(registry(('for _, n in ipairs(require("sockq.help.words").names(%q)) do print(n) end'):format(kind))))
  end
end
refuses("no such shell", { "completion", "bas" }, { err = { "completion: bas is no shell that it knows; did you mean bash?" } })
refuses("no shell", { "completion" }, { err = "completion: a shell is missing; known are bash, fish, zsh" })

-- Shells

for shell, file in pairs { bash = "sockq.bash", zsh = "_sockq", fish = "sockq.fish" } do
  local path = "doc/completions/" .. file
  local status, out = run { "completion", shell }
  check.equal("completion " .. shell .. ": status", status, 0)
  check.equal("completion " .. shell .. " is " .. path, out, posix.read_file(path))
  check.contains(path .. " is installed", posix.read_file("CMakeLists.txt"), "install(FILES " .. path)
  if program.has(shell) then
    local code, _, err = posix.run({ shell, "-n", path }, { env = ENVIRONMENT })
    check.equal(shell .. " -n", code .. err, "0")
  else
    program.skip_part("completion in " .. shell, "it is not installed")
  end
end

if program.has("fish") then
  for line, want in pairs {
    ["sockq --for"] = "--format", ["sockq -f nd"] = "ndjson", ["sockq --format=nd"] = "--format=ndjson",
    ["sockq -g state,remote_po"] = "state,remote_port", ["sockq LIST"] = "LISTEN", ["sockq show timer le"] = "left",
    ["sockq help aggr"] = "aggregates",
  } do
    local status, out = posix.run({ "fish", "-c", "source doc/completions/sockq.fish; complete -C $argv[1]", line },
      { env = ENVIRONMENT, timeout = 60 })
    check.equal("fish: " .. line, status .. out:gsub("\t[^\n]*", ""), "0" .. want .. "\n")
  end
  local _, out = posix.run({ "fish", "-c", "source doc/completions/sockq.fish; complete -C 'sockq --proc tests/da'" },
    { env = ENVIRONMENT, timeout = 60 })
  check.contains("fish: folders", out, "tests/data/")
end

if program.has("bash") then
  -- compgen asks the function; the words are split as readline splits them.
  local script = [[source doc/completions/sockq.bash
    compopt() { :; }
    COMP_LINE=$1 COMP_POINT=${#1}; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _sockq; printf '%s\n' "${COMPREPLY[@]}" ]]
  for line, want in pairs {
    ["sockq|--for"] = "--format", ["sockq|-f|nd"] = "ndjson", ["sockq|--format=|nd"] = "ndjson",
    ["sockq|-g|state,remote_po"] = "state,remote_port", ["sockq|LIST"] = "LISTEN", ["sockq|show|timer|le"] = "left",
  } do
    local words = {}
    for word in line:gmatch("[^|]+") do words[#words + 1] = word end
    local text = line:gsub("=|", "="):gsub("|", " ")
    if text:find("=") then words = { "sockq", "--format", "=", "nd" } end
    local status, out, err = posix.run({ "bash", "--norc", "-c", script, "bash", text, unpack(words) },
      { env = ENVIRONMENT, timeout = 60 })
    check.equal("bash: " .. text, status .. out .. err, "0" .. want .. "\n")
  end
end

-- At a prompt, with a real line editor.
local LINES = {
  { "sockq --for\t", "> sockq --format" }, { "sockq --format=nd\t", "> sockq --format=ndjson" },
  { "sockq -f nd\t", "> sockq -f ndjson" }, { "sockq -g state,remote_po\t", "> sockq -g state,remote_port" },
  { "sockq LIST\t", "> sockq LISTEN" }, { "sockq show timer le\t", "> sockq show timer left" },
  { "sockq mine to\t", "> sockq mine top=" }, { "sockq --join tcp:local_po\t", "> sockq --join tcp:local_port" },
  { "sockq --proc tests/da\t", "> sockq --proc tests/data/" }, { "sockq doc/comp\t", "> sockq doc/completions/" },
  { "sockq 'state == \"TIME\t", "> sockq 'state == \"TIME_WAIT" }, { "sockq -A 'count, hist\t", "> sockq -A 'count, histogram(" },
}

local function at_prompt(shell, argv, setup)
  if not program.has(shell) or not tmux.is_there() then
    program.skip_part("completion at the prompt of " .. shell, "no " .. shell .. ", or no tmux")
    return
  end
  local screen = tmux.start(argv, { columns = 100, rows = 30, env = ENVIRONMENT })
  screen:type(setup .. "; PS1='> '; clear\r")
  check.ok(shell .. ": a prompt", screen:wait_for(function(text) return text:find("^>%s*$") end, 20))
  for _, line in ipairs(LINES) do
    screen:type(line[1])
    local found, text = screen:wait_for("\n" .. line[2], 10)
    check.ok(("%s: %s"):format(shell, line[1]:gsub("\t", "TAB")), found, text)
    screen:press("C-c")
    check.ok(shell .. ": a line is given up", screen:ends_with(">", 10))
    screen:type("clear\r")
    check.ok(shell .. ": the prompt again", screen:wait_for(function(now) return now:find("^>%s*$") end, 10))
  end
  screen:finish()
end

at_prompt("bash", { "bash", "--norc", "--noprofile" }, "source <(sockq completion bash)")
at_prompt("zsh", { "zsh", "-f" },
  ("autoload -U compinit; compinit -u -d %s/zcompdump; source <(sockq completion zsh)"):format(DIR))

check.finish()
