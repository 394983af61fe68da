--- What every row that meets a condition has: its states and protocols, and bounds of its ports and
--- addresses. A collector, or the kernel, then need not tell of others.
---
--- A demand is a table of what is known of every matching row; what is not known is not there:
---   states, protos, families   sets of words, of which each row has one
---   local_port, remote_port, either_port   { low, high }: a port within, of either end in the last
---   local_addr, remote_addr, either_addr   text of a network as within() takes it
local narrow = {}

local WORDS = { state = "states", proto = "protos", family = "families" }
local PORTS = { local_port = true, remote_port = true }
local ADDRS = { local_addr = true, remote_addr = true }
local HIGHEST = 65535

-- How a comparison reads from its other side.
local MIRRORED = { ["=="] = "==", ["<"] = ">", [">"] = "<", ["<="] = ">=", [">="] = "<=" }

-- The ports that compare so with a number; nil: all may.
local BOUNDS = {
  ["=="] = function(n) return n, n end,
  ["<"] = function(n) return 0, math.ceil(n) - 1 end,
  ["<="] = function(n) return 0, math.floor(n) end,
  [">"] = function(n) return math.floor(n) + 1, HIGHEST end,
  [">="] = function(n) return math.ceil(n), HIGHEST end,
}

-- A range that no port is in is none to tell the kernel: the condition itself finds out.
local function range(low, high)
  low, high = math.max(low, 0), math.min(high, HIGHEST)
  if low <= high and low % 1 == 0 and high % 1 == 0 then return { low, high } end
end

local function compare(node)
  local left, right, op = node[1], node[2], node.ops[1]
  if #node ~= 2 then return {} end
  if left.kind ~= "field" then left, right, op = right, left, MIRRORED[op] end
  if left.kind ~= "field" or not op then return {} end
  local name = left.field.name
  if right.kind == "string" and op == "==" then
    if WORDS[name] then return { [WORDS[name]] = { [right.value] = true } } end
    if ADDRS[name] then return { [name] = right.value } end
  elseif right.kind == "number" and PORTS[name] and BOUNDS[op] then
    return { [name] = range(BOUNDS[op](right.value)) }
  end
  return {}
end

local function call(node)
  local field, network = node[1], node[2]
  if node.name == "within" and field and field.kind == "field" and ADDRS[field.field.name] and
    network and network.kind == "string" then
    return { [field.field.name] = network.value }
  end
  return {}
end

--- Both must hold: what each of them demands.
---@param all table  a demand; changed
---@param one table
---@return table  # all
function narrow.join(all, one)
  for _, key in pairs(WORDS) do
    local set = one[key]
    if set and all[key] then
      local common = {}
      for word in pairs(set) do common[word] = all[key][word] end
      all[key] = common
    else
      all[key] = all[key] or set
    end
  end
  for _, key in ipairs { "local_port", "remote_port" } do
    local a, b = all[key], one[key]
    all[key] = a and b and (range(math.max(a[1], b[1]), math.min(a[2], b[2])) or a) or a or b
  end
  for _, key in ipairs { "either_port", "local_addr", "remote_addr", "either_addr" } do
    all[key] = all[key] or one[key]
  end
  return all
end

local function hull(a, b)
  return a and b and { math.min(a[1], b[1]), math.max(a[2], b[2]) }
end

local function same(a, b)
  return a == b and a or nil
end

-- What one of the two ends surely has.
local function end_of(one, kind)
  return one["either_" .. kind] or one["local_" .. kind] or one["remote_" .. kind]
end

-- One must hold: only what each of them demands.
local function meet(all, one)
  local both = {}
  for _, key in pairs(WORDS) do
    if all[key] and one[key] then
      both[key] = {}
      for word in pairs(all[key]) do both[key][word] = true end
      for word in pairs(one[key]) do both[key][word] = true end
    end
  end
  for kind, merge in pairs { port = hull, addr = same } do
    local at_local = merge(all["local_" .. kind], one["local_" .. kind])
    local at_remote = merge(all["remote_" .. kind], one["remote_" .. kind])
    both["local_" .. kind], both["remote_" .. kind] = at_local, at_remote
    if not at_local and not at_remote then
      both["either_" .. kind] = merge(end_of(all, kind), end_of(one, kind))
    end
  end
  return both
end

local function fold(node, merge)
  local all = narrow.of(node[1])
  for i = 2, #node do
    all = merge(all, narrow.of(node[i]))
  end
  return all
end

local kinds = {
  compare = compare,
  call = call,
  ["and"] = function(node) return fold(node, narrow.join) end,
  ["or"] = function(node) return fold(node, meet) end,
}

--- What every matching row has. Nothing comes out of `not`: it also holds where a field is unknown.
---@param node table  from check.tree()
---@return table  # a demand, empty if nothing is known
function narrow.of(node)
  local known = kinds[node.kind]
  return known and known(node) or {}
end

return narrow
