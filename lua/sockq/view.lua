-- Views: a layout of a whole listing, by name. A view file returns { doc, columns, from, where }, or
-- { doc, run } where it does all of the work itself.

local columns = require("sockq.columns")
local output = require("sockq.output")
local plugin = require("sockq.plugin")

local view = {}

-- The rows of a view's own tables; path names the file in messages.
local function tables_of(from, path)
  if not from then
    return require("sockq.query").new(require("sockq.tables").default)
  end
  local ok, query = pcall(require("sockq").from, from)
  if not ok then
    error(path .. ": " .. query, 0)
  end
  return query
end

local function narrow(rows, predicate, path)
  local narrowed, wrong = rows:try_where(predicate)
  if not narrowed then
    error(path and path .. ": where: " .. wrong or wrong, 0)
  end
  return narrowed
end

--- Run a view.
---@param name string
---@param args string[]  the words after its name
---@param base sockq.Query?  what the command line's options chose, if anything
---@return integer status  # the program's exit status
function view.run(name, args, base)
  local loaded, wrong = plugin.load("views", name)
  if not loaded then
    error(wrong, 0)
  end
  if loaded.run then
    return loaded.run(args)
  end
  if not loaded.columns then
    error(("%s: the view has neither columns nor run"):format(wrong), 0)
  end
  local rows = base or tables_of(loaded.from, wrong)
  if loaded.where then
    rows = narrow(rows, loaded.where, wrong)
  end
  for _, word in ipairs(args) do
    rows = narrow(rows, word)
  end
  local list, message = columns.resolve(loaded.columns, wrong)
  if not list then
    error(message, 0)
  end
  return output.print(rows, { columns = loaded.columns }) > 0 and 0 or 1
end

return view
