--- A second reader of /proc trees, plain and slow, that shares no line with sockq: what each field of
--- each row must be, from the kernel's text alone. For well-formed trees.
--
--   local rows = kernel.read("tests/data/captures/mixed-1/proc")
--   rows[1].state --> "SYN_SENT"; what a row cannot know is absent

local ffi = require "ffi"
local posix = require "posix"

ffi.cdef [[
  const char *inet_ntop(int family, const void *address, char *text, unsigned size);
  void *opendir(const char *path);
  int closedir(void *folder);
  struct sockq_test_dirent { uint64_t ino; int64_t off; uint16_t reclen; uint8_t type; char name[256]; };
  struct sockq_test_dirent *readdir(void *folder);
  ssize_t readlink(const char *path, char *buffer, size_t size);
]]

local kernel = {}

--- The tables in the order in which sockq.all() lists them.
kernel.tables = { "tcp", "tcp6", "sctp/eps", "sctp/assocs", "udp", "udp6", "udplite", "udplite6", "raw", "raw6",
  "icmp", "icmp6", "unix", "netlink", "packet" }

local TCP_STATES = { "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
  "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "SYN_RECV", "BOUND_INACTIVE" }
local UNIX_STATES = { [0] = "FREE", "UNCONN", "CONNECTING", "CONNECTED", "DISCONNECTING" }
local TIMERS = { [0] = "off", "on", "keepalive", "timewait", "probe" }
local TYPES = { "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET", [10] = "PACKET" }
local NETLINK = { [0] = "route", [16] = "generic" }

local function hex(text) return tonumber(text, 16) end

local function unsigned(text)
  local n = tonumber(text)
  return n < 0 and n + 2 ^ 32 or n
end

local function named(names, number) return names[number] or "UNKNOWN(" .. number .. ")" end

-- "0100007F": a 32-bit word as this machine stores it.
local function address_bytes(digits)
  local bytes = {}
  for word in digits:gmatch("%x%x%x%x%x%x%x%x") do
    local four = {}
    for pair in word:gmatch("%x%x") do four[#four + 1] = hex(pair) end
    for i = 1, 4 do bytes[#bytes + 1] = ffi.abi("le") and four[5 - i] or four[i] end
  end
  return bytes
end

local function address_text(bytes)
  local raw = ffi.new("unsigned char[16]", bytes)
  local text = ffi.new("char[64]")
  return ffi.string(ffi.C.inet_ntop(#bytes == 4 and 2 or 10, raw, text, 64))
end

local function scope4(a, b, c, d)
  if a + b + c + d == 0 then return "any" end
  if a == 127 then return "loopback" end
  if a == 169 and b == 254 then return "link" end
  if a == 10 or a == 172 and b >= 16 and b <= 31 or a == 192 and b == 168 or a == 100 and b >= 64 and b <= 127 then
    return "private"
  end
  if a >= 224 and a <= 239 then return "multicast" end
  return "public"
end

local function scope(bytes)
  if #bytes == 4 then return scope4(unpack(bytes)) end
  local digits = {}
  for i, byte in ipairs(bytes) do digits[i] = ("%02x"):format(byte) end
  local text = table.concat(digits)
  if text == ("0"):rep(32) then return "any" end
  if text == ("0"):rep(31) .. "1" then return "loopback" end
  if text:find("^0" .. ("0"):rep(19) .. "ffff") then return scope4(unpack(bytes, 13)) end
  if text:find("^fe[89ab]") then return "link" end
  if text:find("^f[cd]") then return "private" end
  if text:find("^ff") then return "multicast" end
  return "public"
end

local users
local function user_name(uid)
  if not users then
    users = {}
    for line in io.lines("/etc/passwd") do
      local name, number = line:match("^([^:]*):[^:]*:(%d+):")
      if name and not users[tonumber(number)] then users[tonumber(number)] = name end
    end
  end
  return users[uid] or ("%d"):format(uid)
end

local function groups_of(line)
  local groups = {}
  for group in line:gmatch("%S+") do groups[#groups + 1] = group end
  return groups
end

-- Lines of a table but the header, with their numbers.
local function table_lines(text)
  local number, position = 0, 1
  return function()
    while true do
      local stop = text:find("\n", position, true)
      if not stop then return nil end
      local line = text:sub(position, stop - 1)
      position, number = stop + 1, number + 1
      if number > 1 then return number, line end
    end
  end
end

local function set_addresses(row, prefix, bytes)
  row[prefix .. "_addr"] = address_text(bytes)
  row[prefix == "local" and "scope" or "remote_scope"] = scope(bytes)
end

local function set_uid(row, uid)
  row.uid, row.user = uid, user_name(uid)
end

local function set_inode(row, inode)
  if inode ~= 0 then row.inode = inode end
end

-- Protocols of raw sockets in the captures, as linux/in.h calls them.
local IP_PROTOCOLS = { [1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmpv6", [89] = "ospf", [255] = "raw" }

local function inet_row(name, line)
  local g = groups_of(line)
  local laddr, lport = g[2]:match("^(%x+):(%x+)$")
  local raddr, rport = g[3]:match("^(%x+):(%x+)$")
  local tx, rx = g[5]:match("^(%x+):(%x+)$")
  local timer, when = g[6]:match("^(%x+):(%x+)$")
  local state, inode, is_tcp = hex(g[4]), tonumber(g[10]), name:find("^tcp") ~= nil
  timer = hex(timer)
  local row = {
    family = #laddr == 32 and "inet6" or "inet", state_code = state, local_port = hex(lport), remote_port = hex(rport),
    recv_q = hex(rx), send_q = hex(tx), timer = TIMERS[timer] or "unkn-" .. timer, timer_code = timer, when = hex(when),
    refs = tonumber(g[11]),
  }
  if is_tcp then row.state = named(TCP_STATES, state)
  else row.state = ({ "ESTABLISHED", [7] = "UNCONN" })[state] or "UNKNOWN(" .. state .. ")" end
  if timer ~= 0 then row.expires = row.when > 2 ^ 28 and 0 or row.when / 100 end
  set_addresses(row, "local", address_bytes(laddr))
  set_addresses(row, "remote", address_bytes(raddr))
  if not is_tcp then
    set_uid(row, tonumber(g[8]))
    set_inode(row, inode)
    row.drops = g[13] and unsigned(g[13])
    if name:find("^raw") then row.protocol = IP_PROTOCOLS[row.local_port] or tostring(row.local_port) end
    return row
  end
  if state == 10 then row.backlog = row.recv_q end
  local is_full = g[17] ~= nil
  local is_mini = state == 6 or state == 5 and timer == 3
  local is_request = (state == 3 or state == 12) and not is_full and inode == 0
  if not is_mini then
    set_uid(row, tonumber(g[8]))
    set_inode(row, inode)
    row.retrans = hex(g[7])
    if not is_request then row.probes = tonumber(g[9]) end
  end
  if is_full then
    row.rto, row.ato, row.cwnd = tonumber(g[13]) / 100, tonumber(g[14]) / 100, tonumber(g[16])
    if g[17] ~= "-1" and state ~= 10 then row.ssthresh = tonumber(g[17]) end
  end
  return row
end

local UNIX_ROW = "^ *[^%s:]+: (" .. ("%x"):rep(8) .. ") " .. ("%x"):rep(8) .. " (" .. ("%x"):rep(8) .. ") ("
  .. ("%x"):rep(4) .. ") (%x%x) ( *%d+)(.*)$"

local function unix_rows(text)
  local list = {}
  for number, line in table_lines(text) do
    local refs, flags, kind, state, inode, rest = line:match(UNIX_ROW)
    if refs and #inode >= 5 and (rest == "" or rest:sub(1, 1) == " ") then
      local code = hex(state)
      local row = {
        line = number, family = "unix", refs = hex(refs), state_code = code, type = named(TYPES, hex(kind)),
        path = rest ~= "" and rest:sub(2):gsub("%z", "@") or nil,
        state = code == 1 and math.floor(hex(flags) / 0x10000) % 2 == 1 and "LISTEN" or named(UNIX_STATES, code),
      }
      if row.refs >= 2 ^ 31 then row.refs = row.refs - 2 ^ 32 end
      set_inode(row, tonumber(inode))
      list[#list + 1] = row
    else
      list[#list].path = list[#list].path .. "\n" .. line:gsub("%z", "@")
    end
  end
  return list
end

local function netlink_row(_, line)
  local g = groups_of(line)
  local row = {
    family = "netlink", protocol = NETLINK[tonumber(g[2])] or g[2], port_id = unsigned(g[3]), groups = hex(g[4]),
    recv_q = tonumber(g[5]), send_q = tonumber(g[6]), refs = tonumber(g[8]), drops = unsigned(g[9]),
  }
  if g[10] then set_inode(row, tonumber(g[10])) end
  return row
end

local function packet_row(_, line)
  local g = groups_of(line)
  local row = {
    family = "packet", refs = tonumber(g[2]), type = named(TYPES, tonumber(g[3])), protocol = "0x" .. g[4],
    ifindex = tonumber(g[5]), recv_q = tonumber(g[7]),
  }
  set_uid(row, tonumber(g[8]))
  set_inode(row, tonumber(g[9]))
  return row
end

local function text_bytes(text)
  local bytes = {}
  if text:find(":", 1, true) then
    for group in text:gmatch("%x+") do
      bytes[#bytes + 1] = math.floor(hex(group) / 256)
      bytes[#bytes + 1] = hex(group) % 256
    end
  else
    for part in text:gmatch("%d+") do bytes[#bytes + 1] = tonumber(part) end
  end
  return bytes
end

local function address_list(groups, first, stop)
  local list = {}
  for i = first, #groups do
    if groups[i] == stop then return list, i end
    list[#list + 1] = text_bytes((groups[i]:gsub("^%*", "")))
  end
  return list
end

local function texts(list)
  local all = {}
  for i, bytes in ipairs(list) do all[i] = address_text(bytes) end
  return all
end

local function sctp_row(row, uid, inode, local_list, remote_list)
  row.state = named(TCP_STATES, row.state_code)
  row.family = #local_list[1] == 16 and "inet6" or "inet"
  set_uid(row, tonumber(uid))
  set_inode(row, tonumber(inode))
  set_addresses(row, "local", local_list[1])
  local zero = {}
  for i = 1, #local_list[1] do zero[i] = 0 end
  set_addresses(row, "remote", remote_list[1] or zero)
  row.local_addrs, row.remote_addrs = texts(local_list), texts(remote_list)
  return row
end

local function sctp_endpoint(_, line)
  local g = groups_of(line)
  local row = { state_code = tonumber(g[4]), local_port = tonumber(g[6]), remote_port = 0 }
  return sctp_row(row, g[7], g[8], address_list(g, 9), {})
end

-- include/net/sctp/constants.h, enum sctp_state
local ASSOC_STATES = { [0] = "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_PENDING", "SHUTDOWN_SENT",
  "SHUTDOWN_RECEIVED", "SHUTDOWN_ACK_SENT" }

local function sctp_association(_, line)
  local g = groups_of((line:gsub("\t.*", "")))
  local row = {
    state_code = tonumber(g[4]), assoc_state = ASSOC_STATES[tonumber(g[5])],
    assoc_id = tonumber(g[7]), send_q = tonumber(g[8]), recv_q = tonumber(g[9]),
    local_port = tonumber(g[12]), remote_port = tonumber(g[13]),
  }
  local local_list, at = address_list(g, 14, "<->")
  return sctp_row(row, g[10], g[11], local_list, (address_list(g, at + 1)))
end

local readers = { unix = false, netlink = netlink_row, packet = packet_row, ["sctp/eps"] = sctp_endpoint,
  ["sctp/assocs"] = sctp_association }

-- Names in a folder in the order of the directory.
local function entries(path)
  local names = {}
  local folder = ffi.C.opendir(path)
  if folder == nil then return names end
  while true do
    local entry = ffi.C.readdir(folder)
    if entry == nil then break end
    names[#names + 1] = ffi.string(entry.name)
  end
  ffi.C.closedir(folder)
  return names
end

local function link_text(path)
  local buffer = ffi.new("char[4096]")
  local n = ffi.C.readlink(path, buffer, 4096)
  return n >= 0 and ffi.string(buffer, n) or ""
end

local function process_of(path, pid, boot)
  local process = { pid = tonumber(pid) }
  local cmdline = (posix.read_file(path .. "/cmdline") or ""):sub(1, 4096)
  local name = cmdline:match("^[^%z]*")
  if name ~= "" then
    process.cmdline = cmdline:gsub("%z+$", ""):gsub("%z", " ")
    process.program = name:sub(1, 1) == "/" and name:match("[^/]*$") or name
  else
    process.program = (posix.read_file(path .. "/comm") or ""):gsub("\n$", "")
  end
  local cgroup = "\n" .. (posix.read_file(path .. "/cgroup") or "")
  process.cgroup = cgroup:match("\n0::([^\n]*)") or cgroup:match("^\n[^:]*:[^:]*:([^\n]*)")
  local comm, exe = posix.read_file(path .. "/comm"), link_text(path .. "/exe")
  process.comm = comm and comm:gsub("\n$", "")
  process.exe = exe ~= "" and exe or nil
  local words = {}
  for word in (posix.read_file(path .. "/stat") or ""):gsub("^.*%)", ""):gmatch("%S+") do words[#words + 1] = word end
  process.started = boot and words[20] and boot + tonumber(words[20]) / 100
  return process
end

local OF_PROCESS = { "pid", "program", "cmdline", "cgroup", "comm", "exe", "started" }

--- inode → { { fd, pid, program, … }, … }
local function owners_of(root)
  local by_inode = {}
  local boot = tonumber(("\n" .. (posix.read_file(root .. "/stat") or "")):match("\nbtime (%d+)\n"))
  for _, pid in ipairs(entries(root)) do
    if pid:find("^[1-9]%d*$") then
      local path = root .. "/" .. pid
      local process
      for _, fd in ipairs(entries(path .. "/fd")) do
        local text = link_text(path .. "/fd/" .. fd)
        local inode = tonumber(text:match("^socket:%[(%d+)%]$") or text:match("^%[0000%]:(%d+)$"))
        if fd:find("^%d+$") and inode then
          process = process or process_of(path, pid, boot)
          by_inode[inode] = by_inode[inode] or {}
          local one = { fd = tonumber(fd) }
          for _, name in ipairs(OF_PROCESS) do one[name] = process[name] end
          table.insert(by_inode[inode], one)
        end
      end
    end
  end
  return by_inode
end

local function set_owner(row, by_inode)
  row.owners = row.inode and by_inode[row.inode] or {}
  local first = row.owners[1]
  if first then
    row.fd = first.fd
    for _, name in ipairs(OF_PROCESS) do row[name] = first[name] end
    local pids = {}
    row.nprocs = 0
    for _, one in ipairs(row.owners) do
      if not pids[one.pid] then pids[one.pid], row.nprocs = true, row.nprocs + 1 end
    end
  end
end

-- The row at the other end: each with each. Of several that fit, the one with an inode.
local function other_end(row, all)
  local function plain(address) return address and address:gsub("^::ffff:(%d)", "%1") end
  local held, bare = {}, {}
  for _, other in ipairs(all) do
    if row.proto:gsub("6$", "") == other.proto:gsub("6$", "") and other.state ~= "LISTEN" and other.local_port == row.remote_port
      and other.remote_port == row.local_port and plain(other.local_addr) == plain(row.remote_addr)
      and plain(other.remote_addr) == plain(row.local_addr) then
      local list = other.inode and held or bare
      list[#list + 1] = other
    end
  end
  local list = #held > 0 and held or bare
  return #list == 1 and list[1] or nil
end

local function set_peers(all)
  local mine = {}
  for _, row in ipairs(all) do
    local name = row.proto:gsub("6$", "")
    local has_end = (name == "tcp" and row.state ~= "LISTEN" or name == "udp" or name == "udplite") and row.remote_port ~= 0
    mine[row] = has_end and other_end(row, all) or nil
  end
  for _, row in ipairs(all) do
    local other = mine[row]
    if other and mine[other] == row then row.peer_pid, row.peer_program = other.pid, other.program end
  end
end

--- Every row of a tree.
---@param root string
---@return table[]
function kernel.read(root)
  local by_inode = owners_of(root)
  local host = (posix.read_file(root .. "/sys/kernel/hostname") or ""):gsub("\n$", "")
  local all = {}
  for _, name in ipairs(kernel.tables) do
    local text = posix.read_file(root .. "/net/" .. name)
    local list = {}
    if text and name == "unix" then
      list = unix_rows(text)
    elseif text then
      for number, line in table_lines(text) do
        local row = (readers[name] or inet_row)(name, line)
        row.line = number
        list[#list + 1] = row
      end
    end
    for _, row in ipairs(list) do
      row.table = name
      row.proto = name:match("^sctp") or name
      row.host = host ~= "" and host or nil
      set_owner(row, by_inode)
      all[#all + 1] = row
    end
  end
  set_peers(all)
  return all
end

return kernel
