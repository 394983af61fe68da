-- sockq help [TOPIC | NAME]: everything that sockq can say of itself, from its registries.

local help = require("sockq.help")
local output = require("sockq.output")

return {
  usage = "help [TOPIC | NAME]",
  doc = "topics, and what every name means",
  run = function(args)
    if #args > 1 then
      error(("help: %s: the command takes one name; ask for one after the other"):format(args[2]), 0)
    end
    if not args[1] then
      output.write(help.overview())
      return 0
    end
    local text, wrong = help.about(args[1])
    if not text then
      error("help: " .. wrong, 0)
    end
    output.write(text)
    return 0
  end,
}
