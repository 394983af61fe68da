--- Check what sockq says by its Lua interface against the list of the sockets that were made.

local check = require "check"
local posix = require "posix"

local listed = {}

--- Fields of every row, and those of unix rows only.
local FIELDS = { "proto", "state", "local_addr", "local_port", "remote_addr", "remote_port",
  "recv_q", "send_q", "timer", "expires", "retrans", "probes", "uid", "inode", "pid", "fd",
  "program" }
local UNIX_FIELDS = { "path", "type" }

--- Functions of sockq, in the order in which the chunk calls them.
local SOURCES = { "tcp", "udp", "raw", "unix", "netlink", "packet", "inet", "all" }

--- Run by sockq: a line a row, the fields separated by tabs, "nil" for unknown.
local CHUNK = ([[
local fields, unix_fields = {%s}, {%s}
for _, source in ipairs {%s} do
  for s in sockq[source]():rows() do
    local out = { source }
    for _, name in ipairs(fields) do out[#out + 1] = tostring(s[name]) end
    if s.proto == "unix" then
      for _, name in ipairs(unix_fields) do out[#out + 1] = tostring(s[name]) end
    end
    print(table.concat(out, "\t"))
  end
end
]])

local function quoted(names)
  return '"' .. table.concat(names, '", "') .. '"'
end

--- Which function of sockq must show a table, besides all().
local HOME = {
  tcp = "tcp", tcp6 = "tcp", udp = "udp", udp6 = "udp", raw = "raw", raw6 = "raw",
  unix = "unix", netlink = "netlink", packet = "packet",
}

local IS_INET = {
  tcp = true, tcp6 = true, udp = true, udp6 = true, udplite = true, udplite6 = true, raw = true,
  raw6 = true,
}

--- Tables in which nothing may be but what is in the list.
local CLOSED_WORLD = { tcp = true, udp = true, raw = true, unix = true, packet = true }

--- No timer of these runs longer, in seconds: the longest keepalive of the list, the kernel's
-- TCP_TIMEWAIT_LEN and TCP_RTO_MAX.
local LONGEST = { keepalive = 7200, timewait = 60, on = 120, probe = 120 }

local function split_tabs(line)
  local parts = {}
  for part in (line .. "\t"):gmatch("([^\t]*)\t") do parts[#parts + 1] = part end
  return parts
end

--- The list that the sockets program wrote.
---@param path string
---@return table[] entries
local function read_list(path)
  local text = posix.read_file(path)
  if not text then error("no list: " .. tostring(path), 2) end
  local names, entries = nil, {}
  for line in text:gmatch("[^\n]+") do
    local parts = split_tabs(line)
    if line:sub(1, 1) == "#" then
      parts[1] = parts[1]:sub(2)
      names = parts
    else
      local entry = {}
      for i, name in ipairs(names) do entry[name] = parts[i] end
      for _, name in ipairs { "retrans", "probes", "inode", "pid", "fd" } do
        entry[name] = tonumber(entry[name])
      end
      entries[#entries + 1] = entry
    end
  end
  return entries
end

--- Rows as sockq told them: source -> list of rows, all values as text.
local function read_rows(text)
  local rows = {}
  for _, source in ipairs(SOURCES) do rows[source] = {} end
  for line in text:gmatch("[^\n]+") do
    local parts = split_tabs(line)
    local row = {}
    for i, name in ipairs(FIELDS) do row[name] = parts[i + 1] or "(none)" end
    for i, name in ipairs(UNIX_FIELDS) do row[name] = parts[#FIELDS + i + 1] end
    row.inode = row.inode:gsub("U?LL$", "")
    row.line = line
    local list = rows[parts[1]]
    if list then list[#list + 1] = row end
  end
  return rows
end

--- The owner that must be shown for an inode: the lowest pid, and its lowest descriptor.
local function first_owners(entries)
  local owners = {}
  for _, entry in ipairs(entries) do
    local owner = owners[entry.inode]
    if entry.inode ~= 0 and (not owner or entry.pid < owner.pid
      or entry.pid == owner.pid and entry.fd < owner.fd) then
      owners[entry.inode] = entry
    end
  end
  return owners
end

--- A process's name as netstat has it: argv[0], or its last part if it is an absolute path.
local function program_of(pid)
  local name = (posix.read_file("/proc/" .. pid .. "/cmdline") or ""):match("^%Z*")
  return name:match("^/.*/(.*)$") or name:match("^/(.*)$") or name
end

local function name_of(row)
  if row.proto == "unix" then return row.path == "nil" and "-" or row.path end
  return row.local_addr .. ":" .. row.local_port
end

local function remote_of(row)
  return row.remote_addr .. ":" .. (row.remote_port == "nil" and "0" or row.remote_port)
end

--- Is this row the one that the entry describes?
local function is_same(entry, row)
  if entry.inode ~= 0 then return row.inode == tostring(entry.inode) end
  if row.inode ~= "0" and row.inode ~= "nil" then return false end
  if row.proto ~= entry.proto or name_of(row) ~= entry["local"] then return false end
  return entry.remote == "-" or remote_of(row) == entry.remote
end

local function same_state(entry, row)
  if entry.state == "*" then return true end
  if entry.state == "-" then return row.state == "UNCONN" end
  return row.state == entry.state
end

local function same_queue(want, got)
  if want == "*" then return true end
  if want == "+" then return (tonumber(got) or 0) > 0 end
  return got == want
end

--- Seconds left: a number while a timer runs, unknown while none does.
local function same_expiry(row)
  if row.timer == "off" or row.timer == "nil" then return row.expires == "nil" end
  local seconds = tonumber(row.expires)
  return seconds and seconds >= 0 and seconds <= (LONGEST[row.timer] or 0) + 0.01
end

--- What a row must not claim to know, and what it must not fall short of.
local function same_counts(entry, row)
  if entry.timer == "timewait" then
    return row.retrans == "nil" and row.probes == "nil" and row.uid == "nil"
      and row.inode == "nil"
  end
  if entry.state == "SYN_RECV" and entry.inode == 0 then
    return tonumber(row.retrans) and row.probes == "nil" and row.inode == "nil"
  end
  return (entry.retrans == 0 or (tonumber(row.retrans) or -1) >= entry.retrans)
    and (entry.probes == 0 or (tonumber(row.probes) or -1) >= entry.probes)
end

--- The names of the fields in which a row is not what was made.
local function differences(entry, row, owner)
  local wrong = {}
  local function need(field, good)
    if not good then wrong[#wrong + 1] = field end
  end
  need("proto", row.proto == entry.proto)
  if row.proto == "unix" then
    need("path", name_of(row) == entry["local"])
    need("type", entry.tag:lower():find(row.type:lower(), 1, true))
  elseif entry["local"] ~= "-" then
    need("local_addr, local_port", name_of(row) == entry["local"])
    if entry.remote ~= "-" then
      need("remote_addr, remote_port", remote_of(row) == entry.remote)
    else
      need("remote_port", row.remote_port == "0" or row.remote_port == "nil")
    end
  end
  need("state", same_state(entry, row))
  need("timer", entry.timer == "*" or row.timer == entry.timer
    or entry.timer == "-" and row.timer == "nil")
  need("expires", same_expiry(row))
  need("recv_q", same_queue(entry.recv_q, row.recv_q))
  need("send_q", same_queue(entry.send_q, row.send_q))
  need("retrans, probes, uid or inode", same_counts(entry, row))
  if entry.proto ~= "netlink" and entry.proto ~= "unix" then -- these tables have no uid
    need("uid", entry.uid == "*" or row.uid == entry.uid)
  end
  if owner then
    need("pid", row.pid == tostring(owner.pid))
    need("fd", row.fd == tostring(owner.fd))
    need("program", row.program == program_of(owner.pid))
  else
    need("pid", row.pid == "nil")
    need("fd", row.fd == "nil")
    need("program", row.program == "nil")
  end
  return wrong
end

--- Check one entry against the rows of one function of sockq.
local function check_entry(entry, source, rows, owner)
  local name = ("%s() has %s %s"):format(source, entry.tag, entry["local"])
  local found = {}
  for _, row in ipairs(rows) do
    if is_same(entry, row) then found[#found + 1] = row end
  end
  if entry.state == "absent" then
    check.equal(name .. ": not at all", #found, 0)
    return
  end
  if not check.equal(name .. ": rows", #found, 1) then return end
  found[1].listed = true
  local wrong = differences(entry, found[1], owner)
  check.ok(name, #wrong == 0,
    ("wrong: %s\nmade  %s %s -> %s %s %s %s %s inode %d pid %d fd %d\ngot   %s"):format(
      table.concat(wrong, ", "), entry.proto, entry["local"], entry.remote, entry.state,
      entry.timer, entry.recv_q, entry.send_q, entry.inode, entry.pid, entry.fd,
      found[1] and found[1].line))
end

--- Run all checks.
---@param sockq string  path of the program
---@param list string   path of the list
function listed.check(sockq, list)
  local entries = read_list(list)
  local chunk = CHUNK:format(quoted(FIELDS), quoted(UNIX_FIELDS), quoted(SOURCES))
  local status, out, err = posix.run({ sockq, "-e", chunk }, { timeout = 30 })
  check.equal("sockq -e: exit status", status, 0)
  -- Who is not the machine's root is told that he cannot see every owner.
  err = err:gsub("^sockq: owners: [^\n]*\n", "")
  check.equal("sockq -e: nothing on standard error", err, "")
  local rows = read_rows(out)
  local owners = first_owners(entries)

  for _, entry in ipairs(entries) do
    -- A second owner of a socket is the same row.
    local owner = owners[entry.inode]
    if not owner or owner == entry then
      local home = HOME[entry.proto]
      check_entry(entry, "all", rows.all, owner)
      if home then check_entry(entry, home, rows[home], owner) end
      if IS_INET[entry.proto] then
        check_entry(entry, "inet", rows.inet, owner)
      end
    end
  end
  for _, source in ipairs(SOURCES) do
    local extra = {}
    for _, row in ipairs(rows[source]) do
      if not row.listed then extra[#extra + 1] = row.line end
    end
    if CLOSED_WORLD[source] then
      check.equal(source .. "(): rows of sockets that nobody made", table.concat(extra, "\n"), "")
    end
  end
end

return listed
