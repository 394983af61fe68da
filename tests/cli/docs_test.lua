--- The documents: what they show is run and compared, and what is made from the program is up to date.
--
--   luajit tests/cli/docs_test.lua --sockq PATH [--update]     from the root of the tree
--
-- In README.md and doc/scripting.md an sh block with a text block right behind it is run, all of a
-- document in one shell, and must print that text. Each lua block of doc/scripting.md and
-- doc/timers.md is run as the head of doc/scripting.md says. --update writes what was printed into
-- the documents; look at the difference before you believe it.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local TREE = "tests/data/captures/mixed-1/proc"
local update = false
for _, word in ipairs(arg) do update = update or word == "--update" end

check.at_end(posix.cleanup)

local DIR = posix.tmpdir("sockq-docs")
local BIN, CONFIG = DIR .. "/bin", DIR .. "/config"
posix.mkdir(BIN)
posix.mkdir(CONFIG)
posix.symlink(program.path, BIN .. "/sockq")
local ENVIRONMENT = program.environment { PATH = BIN .. ":" .. os.getenv("PATH"), XDG_CONFIG_HOME = CONFIG }

local function read_lines(path)
  return program.lines(assert(posix.read_file(path), path .. " cannot be read"))
end

--- The fenced blocks of a Markdown file.
---@param lines string[]
---@return table[]  # { language, first, last (line numbers of its text), text }
local function blocks_of(lines)
  local list, open = {}, nil
  for i, line in ipairs(lines) do
    if open and line == "```" then
      open.last = i - 1
      open.text = table.concat(lines, "\n", open.first, open.last)
      list[#list + 1], open = open, nil
    elseif not open then
      local language = line:match("^```(%w+)$")
      open = language and { language = language, first = i + 1 }
    end
  end
  return list
end

--- Put other lines in place of a block's.
local function replace(lines, block, text)
  local all = {}
  for i = 1, block.first - 1 do all[#all + 1] = lines[i] end
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do all[#all + 1] = line end
  for i = block.last + 1, #lines do all[#all + 1] = lines[i] end
  return all
end

--- Write a document with the new texts of some blocks.
local function rewrite(path, lines, changes)
  if #changes == 0 then return end
  table.sort(changes, function(a, b) return a.block.first > b.block.first end)
  for _, change in ipairs(changes) do lines = replace(lines, change.block, change.text) end
  posix.write_file(path, table.concat(lines, "\n") .. "\n")
end

--- The text before a final line feed.
local function body(text) return (text:gsub("\n$", "")) end

--- Two texts must be equal; the first line that differs is shown.
local function same_text(name, got, want)
  local got_lines, want_lines = program.lines(got .. "\n"), program.lines(want .. "\n")
  for i = 1, math.max(#got_lines, #want_lines) do
    if got_lines[i] ~= want_lines[i] then
      check.equal(("%s, line %d"):format(name, i), got_lines[i], want_lines[i])
      return
    end
  end
  check.pass()
end

-- Sessions

local MARK = "====="

--- Run the sh blocks of a document that say what they print.
---@param prelude? string  what the shell knows before
local function check_session(path, least, prelude)
  local lines, pairs_of, script, changes = read_lines(path), {}, { "set -e", prelude or "tree=" .. TREE }, {}
  local blocks = blocks_of(lines)
  for i, block in ipairs(blocks) do
    local behind = blocks[i + 1]
    if block.language == "sh" and behind and behind.language == "text" and behind.first == block.last + 3 then
      pairs_of[#pairs_of + 1] = { block = behind, command = block.text }
      script[#script + 1] = block.text:gsub("%$PWD/build/release", function() return BIN end)
      script[#script + 1] = "echo " .. MARK
    end
  end
  check.ok(path .. ": commands", #pairs_of >= least, #pairs_of .. " of them")
  local status, out, err = posix.run({ "sh", "-c", table.concat(script, "\n") }, { env = ENVIRONMENT, timeout = 60 })
  check.equal(path .. ": status of its commands", status, 0)
  check.equal(path .. ": stderr of its commands", err, "")
  for _, pair in ipairs(pairs_of) do
    local printed, rest = out:match("^(.-)" .. MARK .. "\n(.*)$")
    out = rest or ""
    if update and printed and body(printed) ~= pair.block.text then
      changes[#changes + 1] = { block = pair.block, text = body(printed) }
    else
      same_text(("%s:%d: output"):format(path, pair.block.first), body(printed or ""), pair.block.text)
    end
  end
  rewrite(path, lines, changes)
end

-- Lua blocks

--- What a block says that it prints ("-->") and complains of ("--!"), one line each, and its code.
local function expectations(text)
  local out, err, code = {}, {}, {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    local printed, complaint = line:match("^%-%-> ?(.*)$"), line:match("^%-%-! ?(.*)$")
    if printed then out[#out + 1] = printed
    elseif complaint then err[#err + 1] = complaint
    else code[#code + 1] = line end
  end
  return out, err, table.concat(code, "\n")
end

local function with_output(code, out, err)
  local parts = { code }
  for _, line in ipairs(program.lines(out)) do parts[#parts + 1] = ("--> " .. line):gsub("%s+$", "") end
  for _, line in ipairs(program.lines(err)) do parts[#parts + 1] = "--! " .. line end
  return table.concat(parts, "\n")
end

local function joined(list) return #list > 0 and table.concat(list, "\n") .. "\n" or "" end

local function without_end_blanks(text) return (text:gsub("[ \t]+\n", "\n")) end

--- A block that is a plug-in: it is saved for the blocks and sessions behind it, and used once.
local function check_plugin(name, kind, plugin, text)
  posix.mkdirs(CONFIG .. "/sockq/" .. kind)
  posix.write_file(("%s/sockq/%s/%s.lua"):format(CONFIG, kind, plugin), text .. "\n")
  local words = { "--proc", TREE, plugin }
  if kind == "timers" then words = { "--proc", TREE, "--timer", plugin } end
  if kind == "formats" then words = { "--proc", TREE, "-f", plugin } end
  local status, out, err = program.run(words, { env = ENVIRONMENT })
  check.equal(name .. ": status", status, 0)
  check.ok(name .. ": prints rows", #program.lines(out) > 1, out)
  check.equal(name .. ": stderr", err, "")
  status, out = program.run({ "list", kind }, { env = ENVIRONMENT })
  check.equal(name .. ": status of list", status, 0)
  check.contains(name .. ": is listed", out, plugin)
end

--- Run a block by a stock luajit, with the module of the build.
local function run_by_luajit(code)
  local lib = program.path:match("^(.*)/") .. "/lib"
  return posix.run({ "luajit", "-e", code }, {
    timeout = 60,
    env = program.environment {
      LUA_PATH = "lua/?.lua;lua/?/init.lua;;", LUA_CPATH = lib .. "/?.so;;", XDG_CONFIG_HOME = CONFIG,
    },
  })
end

local function check_lua_blocks(path, least)
  local lines, count, changes = read_lines(path), 0, {}
  for _, block in ipairs(blocks_of(lines)) do
    if block.language == "lua" then
      count = count + 1
      local name = ("%s:%d"):format(path, block.first)
      local kind, plugin = block.text:match("^%-%- (%a+)/([%w_-]+)%.lua")
      plugin = plugin or block.text:match("^%-%- ([%w_-]+)%.lua:")
      if plugin then
        check_plugin(name, kind or "timers", plugin, block.text)
      elseif program.sanitized and block.text:find("^%-%- luajit\n") then
        program.skip_part(name, "a stock luajit cannot load a module with sanitizers")
      else
        local want_out, want_err, code = expectations(block.text)
        local run = code:find("^%-%- luajit\n") and run_by_luajit or function(text)
          return program.run({ "--proc", TREE, "-e", text }, { env = ENVIRONMENT })
        end
        local status, out, err = run(code)
        out = without_end_blanks(out)
        if update and (out ~= joined(want_out) or err ~= joined(want_err)) then
          changes[#changes + 1] = { block = block, text = with_output(code, out, err) }
        else
          check.equal(name .. ": status", status, #want_err > 0 and 2 or 0)
          same_text(name .. ": output", out, joined(want_out))
          same_text(name .. ": stderr", err, joined(want_err))
        end
      end
    end
  end
  check.ok(path .. ": lua blocks", count >= least, count .. " of them")
  rewrite(path, lines, changes)
end

-- README.md names what there is; links lead somewhere

local function check_names()
  local readme = posix.read_file("README.md")
  for _, name in ipairs(posix.list("scripts")) do
    if name ~= "cmake" and name ~= "docs.d" then check.contains("README.md: a line on it", readme, "`scripts/" .. name) end
  end
  for name in readme:gmatch("`(scripts/%w+)") do check.ok("README.md: " .. name .. " exists", posix.exists(name)) end
  for _, path in ipairs { "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "doc/scripting.md", "doc/architecture.md",
    "doc/timers.md", "doc/fields.md", "doc/expressions.md", "doc/security.md", "SECURITY.md" } do
    local folder = path:match("^(.*/)") or ""
    for target in posix.read_file(path):gmatch("%]%(([^)#]+)") do
      if not target:find("^%a+:") then
        check.ok(path .. ": link to " .. target, posix.exists(folder .. target))
      end
    end
  end
end

-- Each promise of doc/security.md names the tests that hold it, as ctest does.

local PLACES = {
  cli = "tests/cli/%s.lua", lua = "tests/lua/%s.lua", unit = "tests/unit/%s.c", fault = "tests/fault/%s.lua",
  fuzz = "tests/fuzz/fuzz_%s.c", races = "tests/races/%s.lua",
}

local function check_security()
  local count = 0
  for kind, name in posix.read_file("doc/security.md"):gmatch("`(%l+)%.([%l%d_]+)`") do
    if PLACES[kind] then
      count = count + 1
      check.ok(("doc/security.md: the test %s.%s is there"):format(kind, name), posix.exists(PLACES[kind]:format(name)))
    end
  end
  check.ok("doc/security.md names its tests", count >= 30)
end

-- What is made from the program

local function check_made()
  local count = 0
  for path in posix.read_file("scripts/docs"):gmatch("\n(doc/%S+) %S+%.lua") do
    count = count + 1
    local status, out, err = posix.run({ "scripts/docs", program.path, path }, { env = ENVIRONMENT, timeout = 60 })
    check.equal(path .. ": status of scripts/docs", status, 0)
    check.equal(path .. ": stderr of scripts/docs", err, "")
    same_text(path .. " is as scripts/docs makes it; else run scripts/docs", posix.read_file(path) or "", out)
  end
  check.ok("scripts/docs: documents", count >= 4, count .. " of them")
end

-- doc/sockq.1

local MAN = "doc/sockq.1"

--- Words of the manual page without macros: "Fl -tcp" reads "--tcp".
local function plain(text)
  return (text:gsub("Fl %-", "--"):gsub("Fl (%w)", "-%1"):gsub("%f[%w][ACE][rmv] ", ""))
end

local function check_manual()
  local source = assert(posix.read_file(MAN))
  local tags, text = {}, plain(source)
  for line in source:gmatch("([^\n]*)\n") do
    local tag = line:match("^%.It (.*)$")
    if tag then tags[#tags + 1] = " " .. plain(tag) .. " " end
  end
  local all_tags = table.concat(tags, "\n")
  local _, help = program.run { "help", "options" }
  local _, known = program.run { "help", "commands" }
  local options, commands = 0, 0
  for line in help:gmatch("([^\n]*)\n") do
    local letter, name, rest = line:match("^  (..).?%s+%-%-([%w-]+)(.*)$")
    if name then
      options = options + 1
      local tag = all_tags:match("[^\n]* %-%-" .. name:gsub("%-", "%%-") .. " [^\n]*") or ""
      check.ok(MAN .. ": --" .. name, tag ~= "", "no .It line has it")
      if letter:find("^%-") then check.contains(MAN .. ": --" .. name, tag, " " .. letter .. " ") end
      local argument = rest:match("^ (%u+)")
      if argument then check.contains(MAN .. ": --" .. name, tag:upper(), " " .. argument) end
    end
  end
  for command in known:gmatch("  sockq (%l+)%s") do
    commands = commands + 1
    check.ok(MAN .. ": sockq " .. command, all_tags:find(" " .. command .. " ", 1, true), "no .It line has it")
  end
  check.ok(MAN .. ": the help was understood", options >= 19 and commands >= 3, options .. " options")
  for _, kind in ipairs { "timers", "views", "reports" } do
    local _, list = program.run { "list", kind }
    for name in list:gmatch("(%S+)[^\n]*\n") do check.contains(MAN .. ": " .. kind, text, name) end
  end
  for _, word in ipairs { "SOCKQ_PATH", "XDG_CONFIG_HOME", "/etc/sockq", ".Sh EXIT STATUS", ".Sh FILES",
    ".Sh ENVIRONMENT", ".Sh EXAMPLES", ".Sh BUGS" } do
    check.contains(MAN, source, word)
  end
  local _, version = program.run { "--version" }
  check.contains(MAN .. ": version", source, body(version))
end

local function check_manual_lint(path)
  if program.has("man") then
    local _, _, err = posix.run({ "man", "--warnings", "-Tutf8", "-l", path }, { env = ENVIRONMENT, timeout = 60 })
    check.equal(path .. ": warnings of man", err, "")
  else
    program.skip_part(path .. ": warnings", "no man")
  end
  if program.has("mandoc") then
    local status, out = posix.run({ "mandoc", "-Tlint", "-Wwarning", path }, { timeout = 60 })
    check.equal(path .. ": mandoc -Tlint", status .. out, "0")
  end
  check.contains(path .. ": is installed", posix.read_file("CMakeLists.txt"), path)
end

check_lua_blocks("doc/scripting.md", 12)
check_lua_blocks("doc/timers.md", 1)
check_session("README.md", 4)
check_session("doc/scripting.md", 4)
check_session("examples/README.md", 31, ("tree=%s other=%s host=%s app=%s TMPDIR=%s"):format(
  "tests/data/captures/centos7-seed/proc", "tests/data/captures/mixed-2/proc", "tests/data/captures/containers/proc",
  "tests/data/recordings/app-1.rec", DIR))
check_names()
check_security()
check_made()
check_manual()
for _, path in ipairs { MAN, "doc/sockq-expr.7", "doc/sockq-lua.3" } do check_manual_lint(path) end

check.finish()
