-- sockq fields: every field of a row, with type, unit, meaning, tables, and which source knows it.

local fields = require("sockq.fields")
local output = require("sockq.output")

local function type_of(field)
  return field.unit and ("%s, %s"):format(field.type, field.unit) or field.type
end

-- Where only one source knows a field of some tables, these are named.
local function known_by(field)
  local some = field.diag and (", of %s sock_diag"):format(table.concat(field.diag, " ")) or ""
  local known = fields.known_by(field)
  return (known == "both" and "by proc and sock_diag" or "by " .. known) .. some .. (some ~= "" and " alone" or "")
end

local function name_of(field)
  return field.alias and ("%s (%s)"):format(field.name, table.concat(field.alias, ", ")) or field.name
end

return {
  usage = "fields",
  doc = "every field of a row",
  run = function(args)
    if #args > 0 then
      error(("fields: %s: the command takes no arguments"):format(args[1]), 0)
    end
    local names, types = 0, 0
    for _, field in ipairs(fields.list) do
      names = math.max(names, #name_of(field))
      types = math.max(types, #type_of(field))
    end
    for _, field in ipairs(fields.list) do
      local needs = field.needs and ("; reads " .. field.needs) or ""
      output.write(("%-" .. names .. "s  %-" .. types .. "s  %s [%s; %s]\n"):format(name_of(field), type_of(field),
        field.doc, table.concat(field.sources, " "), known_by(field) .. needs))
    end
    return 0
  end,
}
