--- Folders that stand for /proc, for tests.

local posix = require "posix"

local tree = {}

--- Make one under $TMPDIR; posix.cleanup() removes it.
---@param files table<string, string|table>  path → text, or { link = target }, { fifo = true },
---   { folder = true }
---@return string
function tree.make(files)
  local root = posix.tmpdir("sockq-tree")
  posix.mkdir(root .. "/net")
  for name, content in pairs(files) do
    local path = root .. "/" .. name
    posix.mkdirs(path:match("^(.*)/"))
    if type(content) == "string" then posix.write_file(path, content)
    elseif content.link then posix.symlink(content.link, path)
    elseif content.folder then posix.mkdir(path)
    elseif content.fifo then os.execute("mkfifo " .. posix.quote(path)) end
  end
  return root
end

return tree
