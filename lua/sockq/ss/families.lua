-- Which tables and families ss shows, and in which states: options add tables, families and their
-- default states, and what was not said follows from what was.

local states = require("sockq.ss.states")

local families = {}

--- Every table, in the order of the output.
families.TABLES = {
  "netlink", "packet_raw", "packet_dgram", "unix_stream", "unix_dgram", "unix_seqpacket", "raw", "udp", "tcp", "dccp",
  "sctp", "vsock_stream", "vsock_dgram", "tipc", "xdp", "mptcp",
}

local INET = { "udp", "dccp", "tcp", "mptcp", "sctp", "raw" }
local UNIX = { "unix_stream", "unix_dgram", "unix_seqpacket" }
local PACKET = { "packet_raw", "packet_dgram" }
local VSOCK = { "vsock_stream", "vsock_dgram" }

--- The tables of a family.
local OF_FAMILY = {
  inet = INET, inet6 = INET, unix = UNIX, link = PACKET, netlink = { "netlink" }, vsock = VSOCK, tipc = { "tipc" },
  xdp = { "xdp" },
}

--- The families of a table.
local OF_TABLE = {
  netlink = { "netlink" }, packet_raw = { "link" }, packet_dgram = { "link" }, unix_stream = { "unix" },
  unix_dgram = { "unix" }, unix_seqpacket = { "unix" }, vsock_stream = { "vsock" }, vsock_dgram = { "vsock" },
  tipc = { "tipc" }, xdp = { "xdp" },
}
for _, name in ipairs(INET) do
  OF_TABLE[name] = { "inet", "inet6" }
end

local CONNECTED = states.DEFAULT
local CLOSE, ESTABLISHED = states.mask({ "close" }), states.mask({ "established" })
local TIPC = states.mask({ "established", "listening", "close" })

-- The states that a table or family brings; the others bring CONNECTED. They show where no set is
-- named, and behind one that excludes all.
local STATES_OF_TABLE = {
  netlink = CLOSE, packet_raw = CLOSE, packet_dgram = CLOSE, unix_dgram = CLOSE, raw = ESTABLISHED, udp = ESTABLISHED,
  xdp = CLOSE, tipc = TIPC,
}
local STATES_OF_FAMILY = { link = CLOSE, netlink = CLOSE, xdp = CLOSE, tipc = TIPC }

-- All but tipc.
local ALL = {}
for _, name in ipairs(families.TABLES) do
  if name ~= "tipc" then
    ALL[#ALL + 1] = name
  end
end

--- What -A takes.
local QUERIES = {
  all = ALL, inet = INET, unix = UNIX, packet = PACKET, vsock = VSOCK, u_str = { "unix_stream" },
  u_dgr = { "unix_dgram" }, u_seq = { "unix_seqpacket" }, p_raw = { "packet_raw" }, p_dgr = { "packet_dgram" },
  v_str = { "vsock_stream" }, v_dgr = { "vsock_dgram" },
}
for _, name in ipairs(families.TABLES) do
  QUERIES[name] = { name }
end

--- What is chosen so far.
---@class sockq.ss.Choice
---@field tables table<string, boolean>
---@field families table<string, boolean>
---@field last_family string?   the family that was chosen last
---@field states integer        states that the choices bring, a bit each
---@field named boolean         a table or family was chosen
local Choice = {}
Choice.__index = Choice

---@return sockq.ss.Choice
function families.new()
  return setmetatable({ tables = {}, families = {}, states = 0, named = false }, Choice)
end

--- True for a name that --family takes.
function families.is_family(name)
  return OF_FAMILY[name] ~= nil
end

--- Add a table, as -t does.
---@param name string
function Choice:add_table(name)
  self.tables[name] = true
  self.states = bit.bor(self.states, STATES_OF_TABLE[name] or CONNECTED)
  self.named = true
end

--- Add a family, as -4 does.
---@param name string
function Choice:add_family(name)
  self.families[name], self.last_family = true, name
  self.states = bit.bor(self.states, STATES_OF_FAMILY[name] or CONNECTED)
  self.named = true
end

--- Show one family alone, as one in a filter makes it.
---@param name string
function Choice:only_family(name)
  self.families, self.last_family = { [name] = true }, name
end

--- Add and take away tables by an argument of -A.
---@param list string
---@return string|nil  # the name that is none
function Choice:query(list)
  if not self.queried then
    self.tables, self.queried = {}, true
  end
  self.named = true
  for word in (list .. ","):gmatch("([^,]*),") do
    local wanted = word:sub(1, 1) ~= "!"
    local names = QUERIES[wanted and word or word:sub(2)]
    if not names then
      return word
    end
    for _, name in ipairs(names) do
      if wanted then
        self:add_table(name)
      else
        self.tables[name] = nil
      end
    end
  end
  return nil
end

local function any(set, names)
  for _, name in ipairs(names) do
    if set[name] then
      return true
    end
  end
  return false
end

--- Nothing was chosen: everything.
function Choice:take_all()
  for _, name in ipairs(ALL) do
    self:add_table(name)
  end
end

--- Add the families of tables and the tables of families that lack them.
function Choice:complete()
  for _, name in ipairs(families.TABLES) do
    if self.tables[name] and not any(self.families, OF_TABLE[name]) then
      for _, family in ipairs(OF_TABLE[name]) do
        self.families[family] = true
      end
    end
  end
  for family in pairs(self.families) do
    if not any(self.tables, OF_FAMILY[family]) then
      for _, name in ipairs(OF_FAMILY[family]) do
        self.tables[name] = true
      end
    end
  end
end

--- The chosen tables in the order of the output.
---@return string[]
function Choice:order()
  local order = {}
  for _, name in ipairs(families.TABLES) do
    if self.tables[name] then
      order[#order + 1] = name
    end
  end
  return order
end

return families
