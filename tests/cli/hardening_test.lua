--- What the built program is made of: hardening flags, seen in the file itself, and for the program
--- that clang builds the checks of calls by pointer.
--
--   luajit tests/cli/hardening_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local PROGRAM = program.path
local TREE = "tests/data/captures/mixed-1/proc"

local function output_of(...)
  local status, out = posix.run({ ... }, { timeout = 60 })
  return status == 0 and out or nil
end

--- What a file's build gives it, by readelf and nm of the machine's toolchain.
local function look(path)
  local headers = output_of("readelf", "-hlWd", path) or ""
  return {
    headers = headers,
    dynamic = output_of("readelf", "-W", "--dyn-syms", path) or "",
    segments = headers:match("Program Headers:(.-)\n\n") or "",
  }
end

local function holds(name, text, pattern)
  check.ok(name, text:find(pattern) ~= nil)
end

local function hardened(what, path, fortified)
  local file = look(path)
  holds(what .. " is position independent", file.headers, "Type:%s+DYN")
  holds(what .. " has no lazy binding", file.headers, "BIND_NOW")
  holds(what .. " has read-only relocations", file.segments, "GNU_RELRO")
  holds(what .. " says what its stack may", file.segments, "GNU_STACK")
  check.ok(what .. " has no executable stack", not file.segments:find("GNU_STACK[^\n]*E  0x"))
  check.ok(what .. " has no segment that is written and executed", not file.segments:find("LOAD[^\n]* RWE "))
  holds(what .. " has a stack protector", file.dynamic, "__stack_chk_fail")
  if fortified then
    holds(what .. " has fortified calls", file.dynamic, "__[a-z0-9]+_chk@")
  end
end

local sanitized = (output_of("readelf", "-W", "--dyn-syms", PROGRAM) or ""):find("__asan_init") ~= nil
hardened("the program", PROGRAM, not sanitized)
hardened("the module", (PROGRAM:gsub("[^/]+$", "lib/sockq/core.so")), not sanitized)

local checked = PROGRAM:gsub("[^/]*/sockq$", "clang/sockq")
if sanitized or not posix.read_file(checked) then
  print("skipped: calls by pointer are checked in the program that clang builds (scripts/build clang)")
else
  hardened("clang's program", checked, true)
  local symbols = output_of("nm", checked) or ""
  local count = select(2, symbols:gsub("%.cfi\n", "\n"))
  check.ok("clang's program checks calls by pointer", count >= 10)
  for _, words in ipairs {
    { "netstat", "-antpo" }, { "-g", "state" }, { "--format", "json" }, { "state == 'LISTEN'" },
    { "--sort", "local_port", "--limit", "3" }, { "-e", "print(sockq.tcp():count())" },
    { "-c", "program,pid,inode", "--unix" },
  } do
    local status, out = posix.run({ PROGRAM, "--proc", TREE, unpack(words) }, { timeout = 60 })
    local other_status, other_out = posix.run({ checked, "--proc", TREE, unpack(words) }, { timeout = 60 })
    local name = table.concat(words, " ")
    check.equal(name .. ": the same output", other_out, out)
    check.equal(name .. ": the same status", other_status, status)
  end
  check.equal("clang's program reads this machine",
    posix.run({ checked, "netstat", "-antpo" }, { timeout = 60 }), 0)
end

check.finish()
