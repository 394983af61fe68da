-- Why a row may not be what its table says: what a kernel does not print, or a unix name can imitate.

local schema = require("sockq.schema")

local C, has = schema.C, schema.has

local suspect = {}

-- The gravest first.
local REASONS = {
  { "repeated", C.SOCKQ_ROW_REPEATED },
  { "forged", C.SOCKQ_ROW_SUSPECT },
  { "forges", C.SOCKQ_ROW_FORGES },
  { "long", C.SOCKQ_ROW_LONG_NAME },
  { "joined", C.SOCKQ_ROW_JOINED },
}

--- The words of suspect.get.
---@type string[]
suspect.words = {}
for i, reason in ipairs(REASONS) do
  suspect.words[i] = reason[1]
end

--- Why a row is suspect: repeated: an earlier row has its inode; forged: it may be a line of the unix name
--- before it; forges: its unix name has lines in the form of rows, which are left out; long: a unix name longer than a kernel
--- gives; joined: a unix name with line feeds, behind which forged rows can stand. nil: nothing is odd.
---@return string|nil
function suspect.get(row)
  -- Nearly no row has flags but those of connections.
  if row.flags < tonumber(C.SOCKQ_ROW_JOINED) then
    return nil
  end
  for _, reason in ipairs(REASONS) do
    if has(row.flags, reason[2]) then
      return reason[1]
    end
  end
end

return suspect
