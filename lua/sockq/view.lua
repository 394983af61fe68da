-- Views: a layout of a whole listing, by name. A view file returns { doc, columns, from, where }, or
-- { doc, run } where it does all of the work itself.

local output = require("sockq.output")
local plugin = require("sockq.plugin")
local query = require("sockq.query")
local tables = require("sockq.tables")

local view = {}

-- The rows of a view's own tables; path names the file in messages.
local function tables_of(from, path)
  if not from then
    return query.new(tables.default)
  end
  local rows, wrong = query.from(from)
  return rows or error(path .. ": from: " .. wrong, 0)
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
---@param base sockq.Query?  the tables that the command line's options chose, if any
---@param restrict fun(rows: sockq.Query): sockq.Query  what its other options leave of them
---@return integer status, boolean stands_in  # the exit status; true if it is another program's
function view.run(name, args, base, restrict)
  local loaded, wrong = plugin.load("views", name)
  if not loaded then
    error(wrong, 0)
  end
  if loaded.run then
    local status = loaded.run(args)
    if status ~= nil and (type(status) ~= "number" or status % 1 ~= 0 or status < 0 or status > 255) then
      error(("%s: run returned %s; an exit status from 0 to 255 is expected"):format(wrong,
        type(status) == "number" and tostring(status) or "a " .. type(status)), 0)
    end
    return status or 0, true
  end
  if not loaded.columns then
    error(("%s: the view has neither columns nor run"):format(wrong), 0)
  end
  local rows = restrict(base or tables_of(loaded.from, wrong))
  if loaded.where then
    rows = narrow(rows, loaded.where, wrong)
  end
  for _, word in ipairs(args) do
    if word:find("^%-%-?%a") and not rows:try_where(word) then
      error(("%s: what stands behind the view %s are expressions; options stand before its name"):format(word, name), 0)
    end
    rows = narrow(rows, word)
  end
  local count, message = output.list(rows, loaded.columns, wrong, {})
  if not count then
    error(message, 0)
  end
  return count > 0 and 0 or 1, false
end

return view
