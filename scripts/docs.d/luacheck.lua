-- Makes doc/types/sockq.luacheckrc, a preset of luacheck for scripts and plug-ins: scripts/docs runs this.
local hint = require "sockq.hint"
local sockq = require "sockq"

local names = {}
for _, name in ipairs(hint.keys(sockq)) do
  names[#names + 1] = ("%s = {%s}"):format(name, name == "data" and " other_fields = true " or "")
end

io.write([[
-- Made by scripts/docs: what sockq gives to scripts and plug-ins, for luacheck:
--
--   luacheck --config /usr/share/sockq/types/sockq.luacheckrc FILE.lua
std = "luajit+sockq"
stds.sockq = {
  read_globals = {
    arg = { other_fields = true },
    sockq = {
      fields = {
]])
for _, name in ipairs(names) do io.write("        ", name, ",\n") end
io.write([[
      },
    },
  },
}
]])
