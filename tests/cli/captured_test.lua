--- A captured tree is read without privileges: what a stranger put into it shows nothing that root
--- alone may read, and what is no regular file is an error that names its path.
--
--   luajit tests/cli/captured_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

check.at_end(posix.cleanup)

local ROW = rows.file("tcp", { rows.tcp { lport = 1, inode = 77 } })
local COLUMNS = { "-c", "local_port,program,cmdline,comm,cgroup", "-f", "csv", "--no-header" }
local SUDO = { SUDO_UID = "12345", SUDO_GID = "23456" }

local function query(tree, opts)
  local words = { "--proc", tree }
  for _, word in ipairs(COLUMNS) do words[#words + 1] = word end
  return program.run(words, opts)
end

local secrets = posix.tmpdir("sockq-secret")
local secret = secrets .. "/secret"
posix.write_file(secret, "TOP SECRET\n")

local is_root = posix.geteuid() == 0

-- A file of root's in place of a process's, by each way to get it there.
local FILES = { "cmdline", "comm", "cgroup", "exe", "stat" }
for name, put in pairs {
  ["a symbolic link"] = function(path) posix.symlink(secret, path) end,
  ["a symbolic link with dots"] = function(path) posix.symlink(("../"):rep(20) .. secret:sub(2), path) end,
  ["a hard link"] = function(path) assert(os.execute(("ln %s %s"):format(posix.quote(secret), posix.quote(path)))) end,
} do
  posix.chmod(secret, tonumber("600", 8))
  local tree = program.tree { ["net/tcp"] = ROW, ["1/fd/3"] = { link = "socket:[77]" } }
  for _, file in ipairs(FILES) do put(tree .. "/1/" .. file) end
  for who, opts in pairs { root = {}, sudo = { env = SUDO } } do
    local title = ("1/cmdline is %s to a file that only root may read, %s"):format(name, who)
    local status, out, err = query(tree, opts)
    if is_root then
      check.ok(title .. ": nothing of the file is printed", not (out .. err):find("SECRET"), out .. err)
      check.equal(title .. ": the row", out:match("^%d+"), "1")
      check.equal(title .. ": status", status, 0)
    else
      program.skip_part(title, "this is not root")
    end
  end
end

-- The same as the table itself: what stands in a foreign file is not even told as a bad line.
if is_root then
  local tree = program.tree { ["net/udp"] = "" }
  assert(os.execute(("ln %s %s"):format(posix.quote(secret), posix.quote(tree .. "/net/tcp"))))
  local status, out, err = program.run { "--proc", tree, "-t" }
  check.equal("net/tcp is a file that only root may read: status", status .. out, "3")
  check.ok("net/tcp is a file that only root may read: nothing of it", not err:find("SECRET"), err)
  check.contains("net/tcp is a file that only root may read: what to do", err,
    ("net/tcp: cannot be read: Permission denied; make it readable for everybody: chmod -R a+rX %s\n"):format(tree))
  posix.chmod(secret, tonumber("644", 8))
  check.equal("it says what to do, and that helps", (program.run { "--proc", tree, "-t" }), 3)

  -- A tree of root's: what cannot be read is told with a remedy that works.
  tree = program.tree { ["net/tcp"] = ROW, ["1/fd/3"] = { link = "socket:[77]" }, ["1/cmdline"] = "/bin/server\0" }
  assert(os.execute("chmod -R go= " .. posix.quote(tree)))
  status, out, err = query(tree)
  check.equal("a tree that only root may read: status", status .. out, "3")
  check.contains("a tree that only root may read: message", err, "chmod -R a+rX " .. tree)
  assert(os.execute("chmod a+rX " .. posix.quote(tree) .. " " .. posix.quote(tree) .. "/net " .. posix.quote(tree)
    .. "/net/tcp " .. posix.quote(tree) .. "/1"))
  status, out, err = query(tree)
  check.equal("descriptors that only root may read: the row", out, "1,,,,\r\n")
  check.equal("descriptors that only root may read: message", err,
    ("sockq: owners: 1 of 1 processes may not be read; make it readable for everybody: chmod -R a+rX %s\n"):format(tree))
  check.equal("descriptors that only root may read: status", status, 0)
  assert(os.execute("chmod -R a+rX " .. posix.quote(tree)))
  status, out, err = query(tree)
  check.equal("the remedy: the row", out, "1,server,/bin/server,,\r\n")
  check.equal("the remedy: status", status .. err, "0")

  -- A folder that root alone finds is not for a user who has sudo.
  tree = program.tree { ["net/tcp"] = ROW }
  posix.mkdirs(secrets .. "/inner")
  assert(os.execute(("cp -r %s/. %s/inner"):format(posix.quote(tree), posix.quote(secrets))))
  posix.chmod(secrets, tonumber("700", 8))
  status, out, err = program.run({ "--proc", secrets .. "/inner", "-t" }, { env = SUDO })
  check.equal("a tree below a folder of root's, under sudo: status", status .. out, "2")
  check.equal("a tree below a folder of root's, under sudo: message", err,
    ("sockq: --proc %s/inner: Permission denied; give a folder that holds net/tcp and its like\n"):format(secrets))
  status = program.run { "--proc", secrets .. "/inner", "-t" }
  check.equal("a tree below a folder of root's, by root: status", status, 0)
else
  program.skip_part("files that only root may read", "this is not root")
end

-- FIFOs, devices and folders are errors that name the path, and nothing waits for them.
for what, make in pairs {
  ["a FIFO"] = "mkfifo %s", ["a folder"] = "mkdir %s", ["a device"] = is_root and "mknod %s c 1 5" or nil,
} do
  for _, file in ipairs { "net/tcp", "net/unix", "net/netlink" } do
    local tree = program.tree { ["net/udp"] = "" }
    local path = tree .. "/" .. file
    if os.execute(make:format(posix.quote(path)) .. " 2>/dev/null") == 0 then
      local status, out, err = program.run({ "--proc", tree, "--from", file:match("%w+$") }, { timeout = 10 })
      check.equal(("%s as %s: status"):format(what, file), status .. out, "3")
      check.contains(("%s as %s: the path is named"):format(what, file), err, "sockq: " .. path .. ": ")
    else
      program.skip_part(what, "it cannot be made here")
    end
  end
  local tree = program.tree { ["net/tcp"] = ROW, ["1/fd/3"] = { link = "socket:[77]" }, ["1/comm"] = "x\n" }
  if os.execute(make:format(posix.quote(tree .. "/1/cmdline")) .. " 2>/dev/null") == 0 then
    local status, out, err = program.run({ "--proc", tree, "-t", "-c", "program" }, { timeout = 10 })
    check.ok(what .. " as 1/cmdline: the row is there", out:find("x"), out)
    check.equal(what .. " as 1/cmdline: the tree is named", err, ("sockq: %s: cmdline, comm, cgroup or stat of a process"
      .. " is no file but a FIFO, a device or a folder; capture it as a file\n"):format(tree))
    check.equal(what .. " as 1/cmdline: status", status, 3)
  end
end

-- Links inside the tree are followed, as those of /proc.
do
  local tree = program.tree {
    ["7/net/tcp"] = ROW, ["7/fd/3"] = { link = "socket:[77]" }, ["7/cmdline"] = "/bin/server\0",
    ["self"] = { link = "7" },
  }
  assert(os.execute("rmdir " .. posix.quote(tree .. "/net")))
  posix.symlink("self/net", tree .. "/net")
  local status, out, err = query(tree)
  check.equal("net leads to self/net, self to 7", out .. err .. status, "1,server,/bin/server,,\r\n0")
end

-- Trees that are made to be slow: what repeats, collides or goes on costs what as many honest rows cost.
do
  local COUNT = 100000
  local function many(line, first)
    local list = { first }
    for i = 1, COUNT do list[#list + 1] = line(i) end
    return list
  end
  local function unix(i) return rows.unix { inode = 7 + i % 3, path = "/x" } end
  local inverse = 0xf1de83e19937733dULL
  for title, files in pairs {
    ["one address and one inode in every row"] = { ["net/tcp"] = rows.file("tcp", many(function(i)
      return rows.tcp { lport = 80, state = 1, raddr = "0200007F", rport = i % 3, inode = 9 }
    end)), ["1/fd/3"] = { link = "socket:[9]" } },
    ["a unix name that goes on over every line"] = { ["net/unix"] = rows.file("unix",
      many(function() return "y" end, unix(1))) },
    ["unix rows with one inode and a line more"] = { ["net/unix"] = rows.file("unix",
      many(function(i) return unix(i) .. "\nz" end)) },
    ["inodes that are made up to collide"] = { ["net/tcp"] = rows.file("tcp", many(function(i)
      return (rows.tcp { lport = i % 60000 + 1, state = 1, raddr = "0200007F", rport = 5 }:gsub("0$",
        (tostring(inverse * i):gsub("ULL", ""))))
    end)), ["1/fd/3"] = { link = "socket:[9]" } },
  } do
    local tree = program.tree(files)
    local began = os.time()
    local status, _, err = program.run({ "--proc", tree, "--from", files["net/tcp"] and "tcp" or "unix", "-A",
      "count,count(peer_pid),count(pid)" }, { timeout = 60 })
    check.ok(title .. ": it ends", status == 0 or status == 1 or status == 3, status .. err)
    check.ok(title .. ": within seconds", os.time() - began < 20, os.time() - began)
  end
end

check.finish()
