--- Files, temporary folders and processes for the tests, by the C library through the FFI.
--
-- Every function that can fail in the world raises an error at the caller's line: a test that
-- cannot make its input must not go on.
--
--   local posix = require "posix"
--   local dir = posix.tmpdir("example")
--   posix.write_file(dir .. "/a", "text\n")
--   local status, out, err = posix.run({ "cat", dir .. "/a" })
--   posix.cleanup()

local ffi = require "ffi"
local bit = require "bit"
local C = ffi.C

ffi.cdef [[
  int mkdir(const char *path, unsigned int mode);
  int chmod(const char *path, unsigned int mode);
  int symlink(const char *target, const char *path);
  int unlink(const char *path);
  int rmdir(const char *path);
  int access(const char *path, int mode);
  char *mkdtemp(char *template);
  char *realpath(const char *path, char *resolved);
  char *strerror(int number);
  void free(void *memory);
  int getpid(void);
  unsigned int geteuid(void);
]]

local EEXIST = 17

local posix = {}

--- Folders made by tmpdir: cleanup() removes these and nothing else.
local made = {}

local function fail(what, path)
  local text = ffi.string(C.strerror(ffi.errno()))
  error(what .. " " .. path .. ": " .. text, 3)
end

--- Make one folder; one that exists is no error.
---@param path string
---@param mode? integer  default 0755
function posix.mkdir(path, mode)
  if C.mkdir(path, mode or tonumber("755", 8)) ~= 0 and ffi.errno() ~= EEXIST then
    fail("mkdir", path)
  end
end

--- Make a folder and those above it.
---@param path string
function posix.mkdirs(path)
  for stop in path:gmatch("()/") do
    if stop > 1 then posix.mkdir(path:sub(1, stop - 1)) end
  end
  posix.mkdir(path)
end

---@param path string
---@param mode integer  as in chmod(2), so tonumber("644", 8)
function posix.chmod(path, mode)
  if C.chmod(path, mode) ~= 0 then fail("chmod", path) end
end

--- Make a symbolic link that reads `target`, which need not exist.
---@param target string
---@param path string
function posix.symlink(target, path)
  if C.symlink(target, path) ~= 0 then fail("symlink", path) end
end

---@param path string
function posix.unlink(path)
  if C.unlink(path) ~= 0 then fail("unlink", path) end
end

---@param path string
---@return boolean
function posix.exists(path)
  return C.access(path, 0) == 0
end

--- The path without links and dots, or nil if nothing is there.
---@param path string
---@return string?
function posix.realpath(path)
  local text = C.realpath(path, nil)
  if text == nil then return nil end
  local result = ffi.string(text)
  C.free(text)
  return result
end

---@return integer
function posix.getpid()
  return C.getpid()
end

---@return integer
function posix.geteuid()
  return tonumber(C.geteuid())
end

--- Write a whole file; the folder must exist.
---@param path string
---@param text string  any bytes
function posix.write_file(path, text)
  local file, why = io.open(path, "wb")
  if not file then error(why, 2) end
  file:write(text)
  file:close()
end

--- Read a whole file.
---@param path string
---@return string?  # nil if it cannot be opened
function posix.read_file(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("*a")
  file:close()
  return text
end

--- A word as the shell reads it back unchanged.
---@param word string
---@return string
function posix.quote(word)
  if word:find("^[%w%-_=+./,:@%%]+$") then return word end
  return "'" .. word:gsub("'", [['\'']]) .. "'"
end

--- A command line that the shell splits into exactly these words.
---@param argv string[]
---@return string
function posix.quote_all(argv)
  local words = {}
  for i, word in ipairs(argv) do words[i] = posix.quote(word) end
  return table.concat(words, " ")
end

--- The names in a folder, sorted; names must not hold line breaks.
---@param path string
---@return string[]  # empty if there is no such folder
function posix.list(path)
  local names = {}
  local pipe = assert(io.popen("LC_ALL=C ls -A -- " .. posix.quote(path) .. " 2>/dev/null"))
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

--- Make a folder under $TMPDIR that every user may read, for cleanup() to remove.
---@param prefix? string  start of its name, default "sockq"
---@return string  # absolute path
function posix.tmpdir(prefix)
  local base = os.getenv("TMPDIR")
  if not base or base:sub(1, 1) ~= "/" then base = "/tmp" end
  local template = base .. "/" .. (prefix or "sockq") .. ".XXXXXX"
  local buffer = ffi.new("char[?]", #template + 1, template)
  if C.mkdtemp(buffer) == nil then fail("mkdtemp", template) end
  local path = ffi.string(buffer)
  posix.chmod(path, tonumber("755", 8))
  made[path] = true
  return path
end

--- Remove a folder made by tmpdir, or something in one, with all that it holds.
---@param path string
function posix.remove_tree(path)
  local ours = made[path]
  for dir in pairs(made) do
    ours = ours or path:sub(1, #dir + 1) == dir .. "/"
  end
  if not ours or path:find("/../", 1, true) then error("not made by tmpdir: " .. path, 2) end
  os.execute("rm -rf -- " .. posix.quote(path))
  made[path] = nil
end

--- Remove every folder that tmpdir made and that is still there.
function posix.cleanup()
  for path in pairs(made) do posix.remove_tree(path) end
end

--- Do not let cleanup() remove this folder.
---@param path string  as tmpdir returned it
function posix.keep(path)
  made[path] = nil
end

--- The exit status in what os.execute returns, in either of its two forms; 128 + N after signal N.
local function exit_status(first, how, number)
  if type(first) == "number" then
    local signal = bit.band(first, 127)
    if signal ~= 0 then return 128 + signal end
    return bit.rshift(first, 8)
  end
  if how == "signal" then return 128 + number end
  return number
end

--- Run a program and wait for it.
---@param argv string[]  program and arguments; no shell looks at them
---@param opts? table    stdin = text (default: empty), cwd = folder, timeout = seconds,
---                      env = { NAME = "value" or false (unset) }
---@return integer status  128 + N if signal N ended it, 124 after a timeout, 127 if not found
---@return string stdout
---@return string stderr
--- Cost: one shell, three small files.
function posix.run(argv, opts)
  opts = opts or {}
  local scratch = posix.tmpdir("sockq-run")
  local input = "/dev/null"
  if opts.stdin then
    input = scratch .. "/in"
    posix.write_file(input, opts.stdin)
  end
  local words = {}
  if opts.timeout then words = { "timeout", "-k", "5", tostring(opts.timeout) } end
  for _, word in ipairs(argv) do words[#words + 1] = word end
  local lines = {}
  for name, value in pairs(opts.env or {}) do
    lines[#lines + 1] = value and "export " .. name .. "=" .. posix.quote(value)
      or "unset " .. name
  end
  if opts.cwd then lines[#lines + 1] = "cd -- " .. posix.quote(opts.cwd) .. " || exit 126" end
  lines[#lines + 1] = ("exec %s <%s >%s/out 2>%s/err"):format(posix.quote_all(words),
    posix.quote(input), posix.quote(scratch), posix.quote(scratch))
  local status = exit_status(os.execute(table.concat(lines, "\n")))
  local out = posix.read_file(scratch .. "/out") or ""
  local err = posix.read_file(scratch .. "/err") or ""
  for _, name in ipairs { "/in", "/out", "/err" } do C.unlink(scratch .. name) end
  if C.rmdir(scratch) == 0 then made[scratch] = nil end
  return status, out, err
end

return posix
