-- sockq list KIND: the plug-ins of a kind.

local escape = require("sockq.escape")
local hint = require("sockq.hint")
local output = require("sockq.output")
local plugin = require("sockq.plugin")

local function kinds()
  return hint.keys(plugin.contracts)
end

return {
  usage = "list KIND",
  doc = "the plug-ins of a kind: " .. table.concat(kinds(), ", "),
  run = function(args)
    local kind = args[1]
    if kind and not plugin.contracts[kind] and plugin.contracts[kind .. "s"] then
      kind = kind .. "s"
    end
    if #args > 1 then
      error(("list: %s: the command takes one kind; options stand before its name"):format(args[2]), 0)
    end
    if not kind or not plugin.contracts[kind] then
      error(("list: %s; %s"):format(kind and kind .. " is no kind of plug-in" or "a kind is missing",
        hint.remedy(kind, kinds())), 0)
    end
    local width, names = 0, {}
    for i, entry in ipairs(plugin.list(kind)) do
      names[i] = escape.bytes(entry.name)
      width = math.max(width, #names[i])
    end
    local status = 0
    for i, entry in ipairs(plugin.list(kind)) do
      local loaded, wrong = plugin.load(kind, entry.name)
      local doc = loaded and (loaded.help or loaded.doc) or "cannot be loaded: " .. wrong
      status = loaded and status or 2
      output.write(("%-" .. width .. "s  %s [%s]\n"):format(names[i], escape.bytes(doc),
        entry.built_in and "built in" or escape.bytes(entry.path)))
    end
    return status
  end,
}
