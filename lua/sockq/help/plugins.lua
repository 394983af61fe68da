-- How to write a plug-in of one's own: what help says of each kind.

local hint = require("sockq.hint")
local registry = require("sockq.plugin")

local plugins = {}

--- What a format's open gets.
plugins.FORMAT = "A column has name, title, type, unit, align, role, values and get(row), which gives its value: nil if "
  .. "unknown. options has header, title, terminal (its width, nil if there is none), color and utf8 (whether the "
  .. "output can carry block characters). write(text) is the way out."

--- What a plug-in's file of a kind returns: its keys.
---@param kind string
---@return table block
function plugins.contract(kind)
  local terms = {}
  for _, key in ipairs(hint.keys(registry.contracts[kind])) do
    local expected, required, doc = unpack(registry.contracts[kind][key])
    terms[#terms + 1] = { key, ("%s: %s%s"):format(expected, doc, required and "" or "; may be missing") }
  end
  return { list = terms }
end

--- A plug-in of each kind, as short as it gets.
plugins.EXAMPLES = {
  timers = [[
return {
  doc = "seconds left",
  format = function(row)
    return row.expires and ("%.1f s"):format(row.expires) or ""
  end,
}]],
  views = [[
return {
  doc = "what the other side has closed",
  from = "tcp",
  where = "CLOSE_WAIT or LAST_ACK",
  columns = { "local_port", "remote_addr", "program" },
}]],
  formats = [[
return {
  doc = "values with bars between",
  layout = "fields",
  open = function(columns, options, write)
    local function row(one)
      local values = {}
      for i, column in ipairs(columns) do
        values[i] = tostring(column.get(one))
      end
      write(table.concat(values, "|") .. "\n")
    end
    return { row = row, finish = function() end }
  end,
}]],
  reports = [[
return {
  help = "who talks to a port?",
  args = { { name = "port", type = "port", doc = "of the server" } },
  run = function(args, report)
    local rows = report:query("tcp"):where("local_port == " .. args.port)
    report:text(("%d sockets"):format(rows:count()))
    report:rows({ rows = rows:group("remote_addr") })
  end,
}]],
}

--- Where plug-ins of a kind are looked for, what one is, and how to begin.
---@param kind string
---@param example string  a built-in one
---@return table[] blocks
function plugins.own(kind, example)
  local one = kind:gsub("s$", "")
  return {
    { head = "Your own" },
    { text = ("A %s is a Lua file ~/.config/sockq/%s/NAME.lua (`sockq help scripts` says where else sockq looks) that "
      .. "returns a table:"):format(one, kind) },
    plugins.contract(kind),
    { code = plugins.EXAMPLES[kind] },
    { commands = {
      { ("sockq check ~/.config/sockq/%s/NAME.lua"):format(kind), "what is wrong with it" },
      { ("sockq show %s %s"):format(one, example), "how a built-in one is made" },
    } },
  }
end

return plugins
