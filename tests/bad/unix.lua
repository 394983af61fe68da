--- Names of unix sockets, which whoever binds one chooses: numbers 88 to 100.

local bad = require "bad"

local case, program, rows, posix = bad.case, bad.program, bad.rows, bad.posix
local null = bad.json.null

--- A table of these lines between two good rows: rows with these fields, and netstat's warnings.
local function shows(lines, want, warnings)
  local tree = bad.tree("unix", bad.text("unix", lines))
  local list, status, err = bad.ndjson(tree, "unix")
  bad.equal("nothing is told", err, "")
  bad.equal("status", status, 0)
  if bad.equal("how many rows", #list, #want + 2) then
    for i, fields in ipairs(want) do
      for field, value in pairs(fields) do bad.equal(("row %d, %s"):format(i, field), list[i + 1][field], value) end
    end
    bad.equal("the good rows", list[1].inode .. " " .. list[#list].inode, "90001 90002")
  end
  local netstat, netstat_status, netstat_err = bad.netstat(tree, "unix")
  bad.equal("netstat, how many rows", #netstat, #want + 2)
  bad.equal("netstat, what is told", netstat_err, bad.bogus("unix"):rep(warnings or 0))
  bad.equal("netstat, status", netstat_status, 0)
  return tree, list, netstat
end

local function named(inode, path, with)
  local fields = { inode = inode, path = path }
  for key, value in pairs(with or {}) do fields[key] = value end
  return rows.unix(fields)
end

--- How every output writes the same bytes: never a control byte but line feeds and tsv's tabs.
local function all_formats_escape(tree)
  for _, format in ipairs { "table", "records", "json", "ndjson", "csv", "tsv", "lua" } do
    local status, out = bad.over(tree, { "-x", "-f", format, "-c", "inode,path" })
    bad.equal(format .. ": status", status, 0)
    local text = format == "csv" and out:gsub("\r\n", "\n") or out
    bad.ok(format .. ": no control byte", not text:find(format == "tsv" and "[%z\1-\8\11-\31\127]" or "[%z\1-\9\11-\31\127]"),
      bad.check.show(out))
    bad.ok(format .. ": no C1 control, no mark of direction", not out:find("\194[\128-\159]")
      and not out:find("\226\128[\170-\174]") and not out:find("\226\129[\166-\169]"), bad.check.show(out))
    if format == "json" then
      bad.ok("json is JSON", pcall(bad.json.decode, out), out)
    end
  end
  local _, out = bad.over(tree, { "netstat", "-xan" })
  bad.ok("netstat: no control byte", not out:find("[%z\1-\9\11-\31\127]"), bad.check.show(out))
end

case(88, "a name with a line feed", function()
  local tree = shows({ named(90009, "@one\ntwo three"), named(90010, "@a\n"), named(90011, "@a\n\n\nb") }, {
    { inode = 90009, path = "@one\ntwo three" }, { inode = 90010, path = "@a\n" }, { inode = 90011, path = "@a\n\n\nb" },
  }, 5)
  all_formats_escape(tree)
end)

case(91, "a name that is a line feed", function()
  shows({ named(90009, "\n") }, { { inode = 90009, path = "\n" } }, 1)
  shows({ named(90009, "@\n") }, { { inode = 90009, path = "@\n" } }, 1)
end)

case(92, "a line before any row that goes on nothing", function()
  local NOT_ONE = "not a row, and no named row before it that it could continue; skipped"
  local text = rows.headers.unix .. "\n/run/lost\n\n" .. bad.good("unix", 1) .. "\n" .. bad.good("unix", 2) .. "\n"
  bad.refused_text("unix", text, { { 2, NOT_ONE }, { 3, NOT_ONE } })
  bad.refused_text("unix", bad.text("unix", { "x", "" }), { { 3, NOT_ONE }, { 4, NOT_ONE } })
end)

case(93, "10,000 lines behind one row", function()
  local lines = { named(90009, "@start") }
  for i = 1, 10000 do lines[i + 1] = ("line%05d"):format(i) end
  local tree = bad.tree("unix", bad.text("unix", lines))
  local list, status, err = bad.ndjson(tree, "unix")
  bad.equal("rows", bad.inodes(list), "90001 90009 90002")
  bad.equal("status", status, 3)
  local path = list[2].path
  bad.ok("the name goes on to the kernel's 108 bytes, and not much further", #path > 100 and #path <= 108 + 10, #path)
  bad.equal("its beginning", path:sub(1, 27), "@start\nline00001\nline00002\n")
  local told = program.lines(err)
  bad.equal("ten are told", #told, 11)
  bad.contains("and how many more", told[11], "more lines are bad; skipped")
  local joined = select(2, path:gsub("\n", ""))
  bad.contains("every line is joined or counted", told[11], (" %d more"):format(10000 - joined - 10))
  local netstat, _, netstat_err = bad.netstat(tree, "unix")
  bad.equal("netstat, rows", #netstat, 3)
  bad.equal("netstat, a warning for each", netstat_err, bad.bogus("unix"):rep(10000))
end)

case(94, "blanks at the ends of a name and in it", function()
  local names = { " lead", "trail ", "two  blanks", "   ", " ", "\ttab\t", "@ x " }
  local lines, want = {}, {}
  for i, name in ipairs(names) do
    lines[i], want[i] = named(90010 + i, name), { inode = 90010 + i, path = name }
  end
  local _, _, netstat = shows(lines, want)
  -- netstat takes one word, up to the first blank.
  bad.ok("netstat, the first word", netstat[3]:find("trail$") and netstat[4]:find("two$"), table.concat(netstat, "\n"))
  -- One blank and nothing more is a name without a byte: netstat and the kernel know none such.
  shows({ "0000000000000000: 00000002 00000000 00000000 0001 01 90009 " }, { { inode = 90009 } })
end)

case(95, "NUL bytes in a name", function()
  shows({ named(90009, "@a\0b\0\0"), named(90010, "\0\0\0") },
    { { inode = 90009, path = "@a@b@@" }, { inode = 90010, path = "@@@" } })
end)

case(96, "control sequences in a name", function()
  local nasty = { "@\27[2J\27[31mred", "@\27]0;title\7", "@\155\51\49m", "@\194\155\51\49m", "/run/\127\8\8", "@\r\27[K",
    "@\27P\27\\",
    "@\14\15\5" }
  local lines, want = {}, {}
  for i, name in ipairs(nasty) do
    lines[i] = named(90010 + i, name)
    want[i] = { inode = 90010 + i }
    -- What is UTF-8 comes back byte for byte.
    if not bad.json.bad_utf8(name) then want[i].path = name end
  end
  local tree = shows(lines, want)
  all_formats_escape(tree)
  -- A script has the bytes.
  local _, out = bad.over(tree, { "-e", "for s in sockq.unix():where('path'):rows() do io.write(#s.path, ' ') end" })
  local lengths = {}
  for i, name in ipairs(nasty) do lengths[i] = #name .. " " end
  bad.equal("bytes in a script", out, table.concat(lengths))
end)

case(97, "names that are no UTF-8, or turn the direction", function()
  local names = { "@\255\254", "@\192\175", "@\224\128\128", "@\237\160\128", "@\240\128\128\128", "@\244\144\128\128",
    "@\226\130", "@a\226\128\174txt.exe", "@\226\129\166x\226\129\169", "@\195\164\226\130\172\240\159\152\128", "@\239\191\191" }
  local lines, want = {}, {}
  for i, name in ipairs(names) do
    lines[i] = named(90010 + i, name)
    want[i] = { inode = 90010 + i, path = not bad.json.bad_utf8(name) and name or nil }
  end
  local tree = shows(lines, want)
  all_formats_escape(tree)
end)

case(98, "a name longer than any kernel's", function()
  for _, length in ipairs { 109, 1000, 4096 } do
    local name = "@" .. ("n"):rep(length - 1)
    shows({ named(90009, name) }, { { inode = 90009, path = name } })
  end
  shows({ named(90009, "/" .. ("n"):rep(107)) }, { { path = "/" .. ("n"):rep(107) } })
  bad.refused("unix", named(90009, ("n"):rep(5000)), "the line is longer than any row")
end)

case(99, "the name @", function()
  shows({ named(90009, "@") }, { { inode = 90009, path = "@" } })
end)

case(100, "columns that no kernel prints", function()
  -- Without its colon, or in lower case, or too short, a line is none: it goes on the name before.
  local almost = {
    "0000000000000000 00000002 00000000 00000000 0001 01 90020 /forged",
    "0000000000000000: 00000002 00000000 0000000a 0001 01 90020 /forged",
    "0000000000000000: 2 00000000 00000000 0001 01 90020 /forged",
    "0000000000000000:  00000002 00000000 00000000 0001 01 90020 /forged",
    "0000000000000000: 00000002 00000000 00000000 01 01 90020 /forged",
    "0000000000000000: 00000002 00000000 00000000 0001 01 9002 /forged",
    "0000000000000000: 00000002 00000000 00000000 0001 01 18446744073709551616",
    ": 00000002 00000000 00000000 0001 01 90020 /forged",
  }
  for i, line in ipairs(almost) do
    local _, list = shows({ named(90009, "@a\n" .. line) }, { { inode = 90009 } }, 1)
    bad.equal("almost a row " .. i, list[2].path, "@a\n" .. line)
  end
  shows({ "0000000000000000: FFFFFFFF 00000000 FFFFFFFF 00FF 09 90009" },
    { { inode = 90009, type = "UNKNOWN(255)", state = "UNKNOWN(9)", state_code = 9, path = null } })
  shows({ "(____ptrval____): 00000002 00000000 00000000 0005 03 90009", "0: 00000002 00000000 00000000 000A 00 90010" },
    { { inode = 90009, type = "SEQPACKET", state = "CONNECTED" }, { inode = 90010, type = "PACKET" } })
end)

return posix
