--- A random tree that stands for /proc: tables of every kind, and the processes that own them.
--
-- Rows are well formed and of a shape that some kernel from 2.6.32 to 6.18 prints; what netstat
-- leaves undefined (short rows, tcp states above 11) and what sockq prints otherwise on purpose
-- (control bytes of names) does not occur.

local inet = require "inet"
local others = require "others"
local posix = require "posix"
local process = require "process"
local random = require "random"

local tree = {}

local V4 = { "tcp", "udp", "udplite", "raw" }
local ALL = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "unix" }

--- Rows of a table; `large` exceeds every read buffer.
local function how_many(rng, large)
  if large then return 1600 end
  return rng:pick { 0, 1, 3, 8, 15, 30, 50 }
end

--- Files that this tree lacks: none in most trees.
local function choose_missing(rng)
  local missing = {}
  if rng:chance(0.4) then
    for _ = 1, rng:range(1, 3) do missing[rng:pick(ALL)] = true end
  end
  if rng:chance(0.08) then
    for _, name in ipairs(V4) do missing[name .. "6"] = true end
  end
  if not rng:chance(0.4) then missing.sctp = true end
  return missing
end

--- Make one tree.
---@param dir string    made here
---@param seed integer  same seed, same tree
---@param large? boolean  with a tcp table of 1600 rows
---@return string       # what it holds, in one line
function tree.make(dir, seed, large)
  local rng = random.new(seed)
  local style = inet.style(rng)
  local missing = choose_missing(rng)
  local net, pool, seen, said = dir .. "/net", {}, {}, {}
  if large then missing.tcp = nil end
  posix.mkdirs(net)

  local function write(name, count, text)
    posix.write_file(net .. "/" .. name, text)
    said[#said + 1] = name .. " " .. count
  end

  for _, name in ipairs(V4) do
    for _, family in ipairs { 4, 6 } do
      local file = name .. (family == 6 and "6" or "")
      if not missing[file] then
        local count = how_many(rng, large and file == "tcp")
        if name == "tcp" then write(file, count, inet.tcp(rng, style, family, count, pool))
        else write(file, count, inet.datagram(rng, style, name, family, count, pool)) end
      end
    end
  end
  for _, inode in ipairs(pool) do seen[inode] = true end
  if not missing.unix then
    local count = how_many(rng)
    write("unix", count, others.unix(rng, style, count, pool, seen))
  end
  if not missing.sctp then
    posix.mkdir(net .. "/sctp")
    local count = rng:below(6)
    write("sctp/eps", count, others.sctp_endpoints(rng, style, count, pool))
    write("sctp/assocs", count, others.sctp_associations(rng, style, count, pool))
  end
  process.make(rng, dir, rng:pick { 0, 5, 20, 40 }, pool)
  return ("%s pointers, %s"):format(style.pointer_kind, table.concat(said, ", "))
end

return tree
