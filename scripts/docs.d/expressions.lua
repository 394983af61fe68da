-- Makes doc/expressions.md: scripts/docs runs this.
local expression = require "sockq.help.expression"
local markdown = require "markdown"

io.write("# Expressions\n\n",
  "Made by `scripts/docs` from lua/sockq/help/expression.lua and the registries of the language; `sockq help expr` prints\n",
  "the same. [fields.md](fields.md) lists the fields.\n\n", markdown.text(expression.blocks()))
