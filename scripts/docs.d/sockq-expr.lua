-- Makes doc/sockq-expr.7: scripts/docs runs this.
local expression = require "sockq.help.expression"
local mdoc = require "mdoc"

io.write(mdoc.page({
  title = "sockq-expr", number = 7, line = "expressions of sockq: which sockets match",
  from = "lua/sockq/help/expression.lua", also = { "sockq 1", "sockq-lua 3" },
}, mdoc.sections("DESCRIPTION", expression.blocks())))
