--- Random process folders: PID/{cmdline,comm,stat,fd/N}.
--
-- Inodes that several processes hold are made on purpose: the first process in the order of the
-- directory owns it, and both programs read the same directory.

local posix = require "posix"

local process = {}

--- What the memory behind cmdline can hold; false: the file is missing.
local TITLES = {
  "/usr/sbin/sshd\0-D\0", "sshd: user [priv]\0", "sshd: /usr/sbin/sshd -D [listener] 0 of 10\0",
  "nginx: master process /usr/sbin/nginx -g daemon off;\0", "nginx: worker process",
  "/usr/bin/python3 /opt/app/server.py --port 80\0", "/usr/bin/python3\0/opt/app.py\0",
  "/usr/bin/\0", "/\0", "//x//\0", "./bin/prog\0--flag\0", "bin/prog\0", "-bash\0", "(sd-pam)\0",
  "\0\0", "", "", false, "postgres: walwriter   \0\0\0", " leading blank\0", "a\0", "socat\0TCP:1\0",
  "very-long-program-name-without-end\0", ("a"):rep(18) .. "\0", ("b"):rep(17) .. "\0",
  "/opt/größe/dienst-über-alles-lang\0", "日本語サーバー日本語サーバー\0", "/srv/é\0",
  "x" .. ("y"):rep(600), "/a/" .. ("z"):rep(505) .. "/tail-after-510/q\0",
  "/a/" .. ("z"):rep(509) .. "/hidden\0", "/" .. ("d/"):rep(254) .. "e\0",
  "/" .. ("d/"):rep(254) .. "ef/g\0", "java\0-Xmx1g\0-jar\0/srv/x.jar\0", "%s%n%d\0",
  "kworker/0:1-events\0", "/usr/lib/jvm/java (deleted)\0", "{wrapper} /bin/sh\0",
}

local NOT_SOCKETS = { "/dev/null", "pipe:[%d]", "anon_inode:[eventpoll]", "anon_inode:[eventfd]",
  "/var/log/x.log (deleted)", "/memfd:x (deleted)", "net:[%d]", "mnt:[%d]", "/tmp/socket:[%d]",
  "pipe:[%d", "[0001]:%d", "socket:[%d]x" }

local STAT = "%d (%s) S 1 %d %d 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 12345 1000000 200 "
  .. "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n"

--- The link of a descriptor.
local function link(rng, pool)
  if #pool == 0 or rng:chance(0.25) then
    return (rng:pick(NOT_SOCKETS):gsub("%%d", tostring(rng:range(10, 99999))))
  end
  local inode = rng:pick(pool)
  if rng:chance(0.03) then return "[0000]:" .. inode end
  return "socket:[" .. inode .. "]"
end

local function make_one(rng, dir, pid, pool)
  posix.mkdir(dir)
  local title = rng:pick(TITLES)
  if title then posix.write_file(dir .. "/cmdline", title) end
  local comm = title and title:match("([^/%z]+)%z") or "kthread"
  comm = comm:sub(1, 15)
  posix.write_file(dir .. "/comm", comm .. "\n")
  posix.write_file(dir .. "/stat", STAT:format(pid, comm, pid, pid))
  if rng:chance(0.05) then return end
  posix.mkdir(dir .. "/fd")
  local number = 0
  for _ = 1, rng:pick { 0, 1, 2, 3, 5, 8, 20 } do
    posix.symlink(link(rng, pool), dir .. "/fd/" .. number)
    number = number + (rng:chance(0.1) and rng:range(2, 500) or 1)
  end
end

--- Make process folders.
---@param rng table
---@param tree string    folder that stands for /proc
---@param count integer
---@param pool string[]  inodes of the socket tables
function process.make(rng, tree, count, pool)
  local used = {}
  for _ = 1, count do
    local pid = rng:range(1, rng:pick { 9, 99, 999, 9999, 99999, 999999, 4194304 })
    if not used[pid] then
      used[pid] = true
      make_one(rng, tree .. "/" .. pid, pid, pool)
    end
  end
end

return process
