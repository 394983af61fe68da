--- The module for a stock luajit: from the build, and from `cmake --install` into a folder of its own.
--
--   luajit tests/lua/module_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local posix = require "posix"

local CAPTURE = posix.realpath("tests/data/captures/mixed-1/proc")
local sanitized = os.getenv("SOCKQ_TEST_PRELOAD") ~= nil

local function shell(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

local function skip_part(what, why) io.stderr:write("NOT CHECKED: ", what, ": ", why, "\n") end

--- The module's file as require finds it, and the folder of its build.
local function find_module()
  for template in package.cpath:gmatch("[^;]+") do
    local path = posix.realpath((template:gsub("%?", "sockq/core")))
    if path then return path, path:match("^(.*)/lib/sockq/core%.so$") end
  end
end

local CORE, BUILD = find_module()
check.ok("the module was built", CORE, package.cpath)

-- What the file needs and gives

local function links_no_lua(title, path)
  local symbols = shell("nm -D " .. posix.quote(path))
  if symbols == "" then
    skip_part(title .. ": symbols", "no nm")
  else
    check.contains(title .. ": gives its entry", symbols, " T luaopen_sockq_core\n")
    for _, name in ipairs { "lua_pushinteger", "lua_newuserdata", "luaL_register", "luaL_checklstring" } do
      check.contains(title .. ": takes " .. name .. " from the host", symbols, " U " .. name .. "\n")
    end
    local own = {}
    for name in symbols:gmatch(" [TDBRVW] ([%w_]+)\n") do
      if name:find("^lua_") or name:find("^luaL_") or name:find("^luaJIT_")
        or name:find("^luaopen_") and name ~= "luaopen_sockq_core" or name:find("lpeg") or name:find("cjson")
        or name:find("^lp_") or name:find("strbuf") then
        own[#own + 1] = name
      end
    end
    check.equal(title .. ": has no Lua of its own", table.concat(own, " "), "")
    local all = shell("nm " .. posix.quote(path)) .. shell("strings -a " .. posix.quote(path))
    -- lpeg-pattern: the type that LPeg's C registers; "lpeg" and "cjson" alone are what our Lua requires.
    for _, word in ipairs { "lpeg%-pattern", "_cjson", "json_decode", "lj_vm_", "lj_trace", "strbuf_" } do
      check.ok(title .. ": nothing of " .. word .. " is linked in",
        not all:find("[ \n]" .. word .. "[%w_]*\n"), all:match("[^\n]*" .. word .. "[^\n]*"))
    end
  end
  local libraries = shell("ldd " .. posix.quote(path))
  if libraries == "" then
    skip_part(title .. ": libraries", "no ldd")
  elseif sanitized then
    skip_part(title .. ": libraries", "built with sanitizers")
  else
    local others = {}
    for line in libraries:gmatch("[^\n]+") do
      local name = line:match("^%s*(%S+)")
      if not (name:find("^linux%-") or name:find("^libc%.so") or name:find("^libm%.so") or name:find("ld%-linux")
        or name:find("^libmnl%.so")) then
        others[#others + 1] = name
      end
    end
    check.equal(title .. ": libc, libm and libmnl alone", table.concat(others, " "), "")
  end
end

links_no_lua("build", CORE)

-- What it does in a luajit of its own

local SCRIPT = ([[
  -- Only expressions need LPeg, and that from the machine.
  local lpeg = pcall(require, "lpeg")
  package.loaded.lpeg = nil
  for _, name in ipairs { "lpeg", "cjson" } do
    package.preload[name] = function() error(name .. " was asked for") end
  end
  local function listens(r) return r.state == "LISTEN" end
  local sockq = require "sockq"
  assert(package.loaded["sockq.core"], "core")
  assert(sockq.version:find("^%%d+%%.%%d+%%.%%d+$"), "version")
  assert(_G.sockq == nil, "no global is made")
  assert(sockq.tcp():count() >= 0, "the live tables")
  assert(type(sockq.all():list()) == "table", "all live tables")
  sockq.open(%q)
  assert(sockq.tcp():count() == 48, "a capture")
  local row = sockq.tcp():where(listens):first()
  assert(type(row) == "userdata" and row.state == "LISTEN", "a row")
  assert(sockq.tcp():where(function(r) return r.pid end):count() > 0, "owners")
  local timer = require "sockq.timer"
  for _, name in ipairs { "netstat", "ss", "human", "explain" } do assert(timer.formatter(name))(row) end
  local printed = sockq.tcp():where(listens):print()
  assert(printed == sockq.tcp():where(listens):count(), "print")
  local ok, err = pcall(sockq.open, "/nonexistent")
  assert(not ok and err:find("No such file or directory", 1, true), err)
  ok, err = pcall(function() return row.stat end)
  assert(not ok and err:find("did you mean state?", 1, true), err)
  package.preload.lpeg = nil
  if lpeg then assert(sockq.tcp():where("LISTEN"):count() == printed, "an expression") end
  io.stderr:write(package.searchpath("sockq", package.path), "\n")
]]):format(CAPTURE)

local function works(title, env)
  local status, out, err = posix.run({ "luajit", "-e", SCRIPT }, { env = env, cwd = "/", timeout = 60 })
  check.equal(title .. ": status", status, 0)
  check.ok(title .. ": it prints", out:find("^proto ") and out:find("LISTEN"), out .. err)
  return err
end

local here = posix.realpath(".")
local BUILT = { LUA_PATH = ("%s/lua/?.lua;%s/lua/?/init.lua;;"):format(here, here),
  LUA_CPATH = CORE:gsub("sockq/core%.so$", "?.so") .. ";;" }
works("build", BUILT)

-- Plug-ins of one's own, without the program

do
  local dir = posix.tmpdir("sockq-module")
  posix.mkdirs(dir .. "/timers")
  posix.write_file(dir .. "/timers/own.lua", "return { doc = 'd', format = function(row) return '<' .. row.state .. '>' end }")
  local status, out, err = posix.run({ "luajit", "-e", ([[
    local sockq = require "sockq"
    sockq.open(%q)
    print(assert(require("sockq.timer").formatter("own"))(sockq.tcp():where(function(r) return r.state == "LISTEN" end):first()))
    sockq.tcp():print { timer = "own", columns = { "proto" } } ]]):format(CAPTURE) },
    { env = { SOCKQ_PATH = dir, LUA_PATH = BUILT.LUA_PATH, LUA_CPATH = BUILT.LUA_CPATH }, timeout = 60 })
  check.equal("a timer of one's own: status", status .. err, "0")
  check.equal("a timer of one's own", out:match("^[^\n]*"), "<LISTEN>")
end

-- Bad data is told to the caller, not printed

do
  local dir = posix.tmpdir("sockq-module")
  posix.mkdir(dir .. "/net")
  posix.write_file(dir .. "/net/tcp", "  sl  local_address\nbad\n")
  local status, out, err = posix.run({ "luajit", "-e", ([[
    local sockq = require "sockq"
    sockq.open(%q)
    print(sockq.tcp():count(), #sockq.messages, sockq.messages[1]) ]]):format(dir) }, { env = BUILT, timeout = 60 })
  check.equal("messages: status", status .. err, "0")
  check.equal("messages", out, ("0\t1\t%s/net/tcp:2: the first column is no decimal number with a colon; skipped\n"):format(dir))
end

-- An install

if not BUILD or not posix.exists(BUILD .. "/cmake_install.cmake") then
  skip_part("the install", "the module is not in a build folder")
elseif shell("command -v cmake") == "" then
  skip_part("the install", "no cmake")
elseif not io.open(BUILD .. "/install_manifest.txt", "a") then
  skip_part("the install", "cmake cannot write its list into the build folder")
else
  local dest = posix.tmpdir("sockq-install")
  -- Below the prefix that the build was configured for, which decides the folder of libraries.
  local prefix = posix.read_file(BUILD .. "/CMakeCache.txt"):match("\nCMAKE_INSTALL_PREFIX:PATH=([^\n]*)")
  local p = prefix:gsub("%p", "%%%0")
  local status, out, err = posix.run({ "cmake", "--install", BUILD },
    { env = { DESTDIR = dest, LD_PRELOAD = false }, timeout = 60 })
  if not check.equal("cmake --install: status", status, 0) then check.fail("cmake --install", out .. err) end
  local files = {}
  for path in shell("cd " .. posix.quote(dest) .. " && find . -type f"):gmatch("[^\n]+") do files[#files + 1] = path:sub(2) end
  table.sort(files)
  local list = "\n" .. table.concat(files, "\n") .. "\n"
  check.contains("the program", list, "\n" .. prefix .. "/bin/sockq\n")
  check.contains("the man page", list, "\n" .. prefix .. "/share/man/man1/sockq.1\n")
  check.contains("the module in Lua", list, "\n" .. prefix .. "/share/lua/5.1/sockq/init.lua\n")
  local core = list:match("\n(" .. p .. "/lib/[^\n]*lua/5%.1/sockq/core%.so)\n")
  check.ok("the module in C", core, list)
  for path in shell("ls lua/sockq/*.lua lua/sockq/*/*.lua"):gmatch("[^\n]+") do
    local name = path:match("^lua/(.*)$")
    -- The command line belongs to the program.
    local wanted = name ~= "sockq/cli.lua" and not name:find("^sockq/commands/") and not name:find("^sockq/repl")
    check.equal("installed: " .. name, list:find("\n" .. prefix .. "/share/lua/5.1/" .. name .. "\n", 1, true) ~= nil, wanted)
  end
  for _, path in ipairs(files) do
    check.ok("where Debian would: " .. path, path:find("^" .. p .. "/bin/sockq$")
      or path:find("^" .. p .. "/share/man/man[137]/sockq") or
      path:find("^" .. p .. "/share/sockq/types/sockq%.") or
      path:find("^" .. p .. "/share/bash%-completion/completions/sockq$") or
      path:find("^" .. p .. "/share/zsh/site%-functions/_sockq$") or
      path:find("^" .. p .. "/share/fish/vendor_completions%.d/sockq%.fish$") or path:find("^" .. p .. "/share/lua/5%.1/sockq/")
      or path:find("^" .. p .. "/lib/[%w_-]*/?lua/5%.1/sockq/core%.so$"))
  end
  links_no_lua("install", dest .. core)
  local err_out = works("install", { LUA_PATH = ("%s/share/lua/5.1/?.lua;%s/share/lua/5.1/?/init.lua;;")
    :format(dest .. prefix, dest .. prefix), LUA_CPATH = dest .. core:gsub("sockq/core%.so$", "?.so") .. ";;" })
  check.contains("install: its own files", err_out, dest .. prefix .. "/share/lua/5.1/sockq/init.lua")
  -- the folders are those that a stock luajit looks into
  local status_of_path, paths = posix.run({ "luajit", "-e", "print(package.path .. ';' .. package.cpath)" },
    { env = { LUA_PATH = false, LUA_CPATH = false } })
  check.equal("luajit's own folders: status", status_of_path, 0)
  check.contains("luajit looks there for Lua", paths, prefix .. "/share/lua/5.1/?.lua")
  check.contains("luajit looks there for init.lua", paths, prefix .. "/share/lua/5.1/?/init.lua")
  check.contains("luajit looks there for C", paths, (core:gsub("sockq/core%.so$", "?.so")))
  local installed, version = posix.run({ dest .. prefix .. "/bin/sockq", "-V" }, { env = { LD_PRELOAD = false } })
  check.equal("the installed program runs", installed .. version:match("^%a+"), "0sockq")
end

posix.cleanup()
check.finish()
