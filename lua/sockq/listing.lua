-- A listing as the command line says it: which sockets, what is made of them, which columns.

local complaint = require("sockq.complaint")
local keys = require("sockq.keys")
local query = require("sockq.query")
local tables = require("sockq.tables")

local listing = {}

local CHOICES = { tcp = { "tcp" }, udp = { "udp", "udplite" }, raw = { "raw", "icmp" }, unix = { "unix" } }

--- The tables that -t -u -w -x --from choose, nil if they choose none.
---@param given table<string, any>
---@return sockq.Query|nil
function listing.chosen_tables(given)
  if given.from then
    local rows, wrong = query.from(table.concat(given.from, ","))
    return rows or complaint.raise("--from: " .. wrong)
  end
  local numbers, groups = {}, {}
  for option, names in pairs(CHOICES) do
    if given[option] then
      local group = tables.join(names)
      groups[#groups + 1] = group
      for _, number in ipairs(group) do
        numbers[#numbers + 1] = number
      end
    end
  end
  return #numbers > 0 and query.new(numbers, groups) or nil
end

--- What -4 -6 -l ask for, as expressions. -l is what a server waits on.
---@param given table<string, any>
---@return string[]
function listing.conditions(given)
  local list = {}
  if given.ipv4 ~= given.ipv6 then
    list[1] = ('family == "%s"'):format(given.ipv4 and "inet" or "inet6")
  end
  if given.listening then
    list[#list + 1] = 'state == "LISTEN" or (state == "UNCONN" and family ~= "unix")'
  end
  return list
end

--- What -4 -6 -l leave of some rows.
---@return sockq.Query
function listing.restrict(rows, given)
  for _, condition in ipairs(listing.conditions(given)) do
    rows = rows:where(condition)
  end
  return rows
end

-- One verb on the rows so far; what is wrong is told in the option's name.
local function apply(rows, option, verb, ...)
  local made, wrong, problem = rows["try_" .. verb](rows, ...)
  if not made then
    complaint.raise(problem and (wrong:gsub("^EXPR", function() return "--" .. option end))
      or ("--%s: %s"):format(option, wrong), problem)
  end
  return made
end

local function joined(arguments)
  return table.concat(arguments, ",")
end

-- A group's listing is biggest first, then by key.
local function default_order(rows)
  local order = {}
  for _, entry in ipairs(rows:schema().list) do
    local is_value = entry.role == "value"
    local ordered = entry.type ~= "list" and entry.type ~= "histogram" and entry.type ~= "boolean"
    if is_value and ordered and not order[1] then
      order[1] = { field = entry.name, descending = true }
    end
  end
  for _, entry in ipairs(rows:schema().list) do
    if entry.role == "key" and entry.type ~= "list" then
      order[#order + 1] = { field = entry.name }
    end
  end
  return order
end

-- What -c computes under a name of its own is a name for -s as well.
local function computed(rows, given)
  local aliases = {}
  if given.columns then
    for _, item in ipairs(keys.items((joined(given.columns):gsub("^%s*%*%s*,?", "")), rows:schema()) or {}) do
      aliases[item.name] = item
    end
  end
  return aliases
end

local function whole_number(option, arguments)
  local text = arguments[#arguments]
  local number = text:find("^%d+$") and tonumber(text)
  if not number then
    complaint.raise(("--%s: %s is no whole number from 0; give one"):format(option, text))
  end
  return number
end
listing.whole_number = whole_number

-- --join TABLE:KEY,…
local function join(rows, text)
  local names, on = text:match("^([%w_/]+):(.+)$")
  if not names then
    complaint.raise(("--join: %s has no form TABLE:KEY,...; write tcp:local_port=remote_port"):format(text))
  end
  local other, wrong = query.from(names)
  local data = not other and require("sockq.data")
  if data and data.has(names) then
    local rows_of, columns = data.rows(names)
    other, wrong = query.of_list(rows_of, columns)
  end
  if not other then
    complaint.raise("--join: " .. wrong)
  end
  return apply(rows, "join", "join", other, on)
end

--- The query of the options that follow the choice of sockets: --join --distinct -g -A -s -L.
---@param rows sockq.Query
---@param given table<string, any>
---@return sockq.Query
function listing.shape(rows, given)
  for _, text in ipairs(given.join or {}) do
    rows = join(rows, text)
  end
  if given.distinct then
    rows = apply(rows, "distinct", "distinct", joined(given.distinct))
  end
  if given.group then
    rows = apply(rows, "group", "group", joined(given.group))
  end
  if given.agg then
    rows = apply(rows, "agg", "agg", joined(given.agg))
  end
  if given.sort then
    rows = apply(rows, "sort", "sort", joined(given.sort), computed(rows, given))
  elseif given.group then
    rows = apply(rows, "group", "sort", default_order(rows))
  end
  if given.limit then
    rows = apply(rows, "limit", "limit", whole_number("limit", given.limit))
  end
  return rows
end

--- The columns that -c names, nil if it names none.
---@return string|nil
function listing.columns(given)
  return given.columns and joined(given.columns)
end

return listing
