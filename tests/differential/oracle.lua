--- Run netstat and sockq over a tree, many argument lists in one namespace.
--
-- netstat reads the fixed path /proc, so the tree is mounted over /proc in a mount namespace of
-- its own; a network namespace without any device makes names come from files alone, at once.
-- sockq gets the tree by --proc and runs in the same kind of network namespace, because both must
-- resolve alike. One shell a tree runs all argument lists, each result goes to three small files.

local posix = require "posix"

local oracle = {}

--- The release whose output is the reference; others differ in known points.
oracle.RELEASE = "net-tools 2.10"

--- Seconds that one batch may take before it is killed; its unfinished runs then count as 124.
local BATCH_SECONDS = 120

--- Files that a case may replace in the namespace.
local ETC = { "hosts", "networks", "nsswitch.conf", "passwd", "protocols", "services" }

--- What both programs see: plain messages, no configuration of the user who runs the tests.
local PRELUDE = [[
export LC_ALL=C HOME=/nonexistent XDG_CONFIG_HOME=/nonexistent
unset LANGUAGE POSIXLY_CORRECT SOCKQ_PATH RES_OPTIONS HOSTALIASES
run() {
  number=$1; shift
  "$@" >"$results/$number.out" 2>"$results/$number.err" </dev/null
  echo $? >"$results/$number.status"
}
]]

--- unshare with its flags, root first; found once.
local full, network

--- Find how namespaces can be made here.
---@return string?  # nil if all is well, else why nothing can be compared
function oracle.missing()
  local status, version = posix.run({ "netstat", "--version" })
  if status == 127 then return "netstat is not installed (package net-tools)" end
  if not version:find(oracle.RELEASE, 1, true) then
    return "netstat is not " .. oracle.RELEASE .. ": " .. (version:match("[^\n]*") or "")
  end
  local probe = posix.tmpdir("sockq-probe")
  local script = 'mount --bind "$0" /proc && test ! -e /proc/self'
  for _, flags in ipairs { { "-mn", "-mn" }, { "-rmn", "--map-current-user -n" } } do
    local words = { "unshare", flags[1], "sh", "-c", script, probe }
    if posix.run(words) == 0 then
      full, network = "unshare " .. flags[1], "unshare " .. flags[2]
      posix.remove_tree(probe)
      return nil
    end
  end
  posix.remove_tree(probe)
  return "no mount namespace can be made: not root, and no user namespaces for other users"
end

--- Write the replacements of /etc files beside the results.
--- An empty /etc/NAME must exist to be mounted over; callers ask oracle.has_etc first.
local function etc_mounts(scratch, etc)
  local lines = {}
  for _, name in ipairs(ETC) do
    if etc and etc[name] then
      local path = scratch .. "/etc-" .. name
      posix.write_file(path, etc[name])
      lines[#lines + 1] = ("mount --bind %s /etc/%s || exit 99"):format(posix.quote(path), name)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Run one batch and read back its results.
local function batch(unshare, mounts, program, arg_lists, scratch)
  local results = scratch .. "/results"
  posix.mkdir(results)
  local lines = { "results=" .. posix.quote(results), PRELUDE, mounts }
  for i, args in ipairs(arg_lists) do
    lines[#lines + 1] = ("run %d %s %s"):format(i, program, posix.quote_all(args))
  end
  posix.write_file(scratch .. "/batch.sh", table.concat(lines, "\n") .. "\nexit 0\n")
  local argv = {}
  for word in unshare:gmatch("%S+") do argv[#argv + 1] = word end
  argv[#argv + 1] = "sh"
  argv[#argv + 1] = scratch .. "/batch.sh"
  local status, _, why = posix.run(argv, { timeout = BATCH_SECONDS })
  if status ~= 0 and status ~= 124 then
    error(("batch of %s ended with status %d: %s"):format(program, status, why), 3)
  end
  local answers = {}
  for i = 1, #arg_lists do
    local prefix = ("%s/%d."):format(results, i)
    answers[i] = {
      status = tonumber(posix.read_file(prefix .. "status") or "124"),
      out = posix.read_file(prefix .. "out") or "",
      err = posix.read_file(prefix .. "err") or "",
    }
  end
  posix.remove_tree(scratch)
  return answers
end

--- Can every one of these replacements be mounted here?
---@param etc table<string, string>
---@return string?  # nil if so, else a file that is not there to be mounted over
function oracle.has_etc(etc)
  for name in pairs(etc) do
    if not posix.exists("/etc/" .. name) then return "/etc/" .. name end
  end
end

--- What netstat says about a tree.
---@param tree string  folder that stands for /proc
---@param arg_lists string[][]
---@param etc? table<string, string>  text of /etc files for this batch
---@return table[]  # { status, out, err } for each argument list
function oracle.netstat(tree, arg_lists, etc)
  local scratch = posix.tmpdir("sockq-oracle")
  local mounts = etc_mounts(scratch, etc)
    .. "mount --bind " .. posix.quote(tree) .. " /proc || exit 99\n"
  return batch(full, mounts, "netstat", arg_lists, scratch)
end

--- What `sockq --proc TREE netstat ARGS` says.
---@param sockq string  path of the program
---@param tree string
---@param arg_lists string[][]
---@param etc? table<string, string>
---@return table[]
function oracle.sockq(sockq, tree, arg_lists, etc)
  local scratch = posix.tmpdir("sockq-subject")
  local mounts = etc_mounts(scratch, etc)
  local program = posix.quote_all { sockq, "--proc", tree, "netstat" }
  return batch(etc and full or network, mounts, program, arg_lists, scratch)
end

--- An error text with the program's own name at the start of a line made equal.
---@param text string
---@return string
function oracle.plain_error(text)
  local lines = text:gsub("([^\n]+)", function(line)
    return (line:gsub("^sockq netstat: ", "netstat: "):gsub("^sockq: ", "netstat: "))
  end)
  return lines
end

local SIZES = { { "[\194-\223]", 2 }, { "[\224-\239]", 3 }, { "[\240-\244]", 4 } }

-- Output of netstat with dots for the bytes of a character that it cut, as sockq prints them.
local function without_cut(text)
  for _, size in ipairs(SIZES) do
    text = text:gsub(size[1] .. "[\128-\191]*", function(bytes)
      return #bytes < size[2] and ("."):rep(#bytes) or nil
    end)
  end
  return text
end

--- Compare two answers.
---@param want table  of netstat
---@param got table   of sockq
---@return string[]   # what differs: "status", "stdout", "stderr", "crash"; empty if nothing
function oracle.differences(want, got)
  local found = {}
  if oracle.crashed(got) then found[#found + 1] = "crash" end
  if want.status ~= got.status then found[#found + 1] = "status" end
  if want.out ~= got.out and without_cut(want.out) ~= got.out then found[#found + 1] = "stdout" end
  if want.err ~= got.err and oracle.plain_error(want.err) ~= oracle.plain_error(got.err) then
    found[#found + 1] = "stderr"
  end
  return found
end

--- Did a program end by a signal, a timeout or a sanitizer's report?
---@param answer table
---@return boolean
function oracle.crashed(answer)
  return answer.status == 124 or (answer.status >= 128 and answer.status < 255)
    or answer.err:find("Sanitizer", 1, true) ~= nil
    or answer.err:find("runtime error:", 1, true) ~= nil
end

--- The first lines of a unified diff.
---@param want string
---@param got string
---@param limit? integer  lines, default 10
---@return string
function oracle.diff(want, got, limit)
  local scratch = posix.tmpdir("sockq-diff")
  posix.write_file(scratch .. "/netstat", want)
  posix.write_file(scratch .. "/sockq", got)
  local _, text = posix.run({ "diff", "-u", "--label", "netstat", "--label", "sockq",
    "netstat", "sockq" }, { cwd = scratch })
  posix.remove_tree(scratch)
  local lines = {}
  for line in text:gmatch("[^\n]*\n") do
    lines[#lines + 1] = line
    if #lines == (limit or 10) then break end
  end
  return table.concat(lines)
end

return oracle
