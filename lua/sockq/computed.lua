-- Computed fields: what a script adds to the registry.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local keys = require("sockq.keys")
local row = require("sockq.row")

local KEYS = { name = "string", expr = "string", get = "function", type = "string", unit = "string", doc = "string",
  needs = "table", values = "table" }
local TYPES = { string = true, number = true, integer = true, boolean = true, list = true }

-- What is checked is what is used: a script's table may say something else at each reading.
local function copy_of(given)
  local copy = {}
  for key, value in next, given do
    copy[key] = value
  end
  return copy
end

local function check(given)
  for key, value in pairs(given) do
    if not KEYS[key] then
      return ("%q means nothing here; %s"):format(tostring(key), hint.remedy(key, hint.keys(KEYS)))
    elseif type(value) ~= KEYS[key] then
      return ("%s is a %s; a %s is expected"):format(key, type(value), KEYS[key])
    end
  end
  if not given.name or not given.name:find("^[%a_][%w_]*$") then
    return "name: a word of letters, digits and _ is expected"
  elseif row.has_method(given.name) then
    return ("name: row:%s() is a method of rows; choose another name"):format(given.name)
  elseif fields.by_name[given.name] and not fields.by_name[given.name].computed then
    return ("name: there is a field %s already; choose another name"):format(given.name)
  elseif (given.expr ~= nil) == (given.get ~= nil) then
    return "either expr or get says what the value is; give one of them"
  elseif given.get and not given.type then
    return "type: say what get returns: " .. table.concat(hint.keys(TYPES), ", ")
  elseif given.type and not TYPES[given.type] then
    return ("type: %s is none; %s"):format(given.type, hint.remedy(given.type, hint.keys(TYPES)))
  end
  return nil
end

-- What Lua calls the values of a type; expressions rely on it.
local LUA_TYPES = { string = "string", number = "number", integer = "number", boolean = "boolean", list = "table" }

-- What is read besides the tables, for a field that is made from others, and whether it tells of one owner.
local function needs_of(names)
  local needs, of_owner = {}, nil
  for _, name in ipairs(names) do
    local field = fields.by_name[name]
    if not field then
      return nil, ("needs: there is no field %s; %s"):format(tostring(name), fields.remedy(name))
    end
    of_owner = of_owner or field.of_owner
    for need in (field.needs or ""):gmatch("%S+") do needs[need] = true end
  end
  return next(needs) and table.concat(hint.keys(needs), " ") or nil, nil, of_owner
end

local function fields_of(names)
  local set = {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  return set
end

--- Add a field that is computed from others; from here on it is used like a built-in one. Adding a
--- computed field again replaces it.
---@param given table  name, then expr or get, and type, unit, doc, needs, values: see sockq.field
---@return string|nil wrong  what is wrong, nil if it was added
return function(given)
  if type(given) ~= "table" then
    return ("a table is expected, not a %s"):format(type(given))
  end
  given = copy_of(given)
  local wrong = check(given)
  if wrong then
    return wrong
  end
  local get, of_type, names = given.get, given.type, given.needs or {}
  if given.expr then
    local items, problem
    items, wrong, problem = keys.items({ { name = given.name, expr = given.expr } }, fields)
    if not items then
      return problem and wrong or "expr: " .. wrong
    end
    get, of_type, names = items[1].value, given.type or items[1].type, hint.keys(items[1].fields)
  end
  local needs, of_owner
  needs, wrong, of_owner = needs_of(names)
  if wrong then
    return wrong
  end
  local expected = LUA_TYPES[of_type]
  fields.add({
    name = given.name, type = of_type, unit = given.unit, doc = given.doc or "computed: " .. (given.expr or "a function"),
    values = given.values and copy_of(given.values), sources = { "all" }, needs = needs, of_owner = of_owner,
    computed = true,
    from = fields.source(fields_of(names)) or given.get and "proc" or nil,
    get = function(_, _, one)
      local value = get(one)
      if value ~= nil and expected and type(value) ~= expected then
        error(("field %s: get returned a %s; its type says %s"):format(given.name, type(value), of_type), 0)
      end
      return value
    end,
  })
  return nil
end
