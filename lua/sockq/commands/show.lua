-- sockq show KIND NAME: the source of a plug-in, to start one's own from.

local escape = require("sockq.escape")
local hint = require("sockq.hint")
local output = require("sockq.output")
local plugin = require("sockq.plugin")

return {
  usage = "show KIND NAME",
  doc = "the source of a plug-in: sockq show timer netstat",
  run = function(args)
    local kind, name = args[1], args[2]
    if not name or #args > 2 then
      error("show: the form is sockq show KIND NAME, such as sockq show timer netstat", 0)
    end
    kind = kind:gsub("s$", "") .. "s"
    if not plugin.contracts[kind] then
      local names = {}
      for known in pairs(plugin.contracts) do
        names[#names + 1] = (known:gsub("s$", ""))
      end
      table.sort(names)
      error(("show: %s is no kind of plug-in; %s"):format(args[1], hint.remedy(args[1], names)), 0)
    end
    local source, path = plugin.source(kind, name)
    if not source then
      error("show: " .. path, 0)
    end
    -- In a text constant of Lua \xNN means what stood there.
    output.write(escape.lines(source))
    return 0
  end,
}
