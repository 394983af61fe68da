std = "luajit"
max_line_length = 130
-- What the program gives to scripts.
files["examples"] = { read_globals = { "sockq", "arg" } }
-- netstat's own texts end lines in blanks.
files["lua/sockq/netstat/options.lua"] = { ignore = { "613" } }
files["tests/bench/verbs.lua"] = { read_globals = { "sockq" } }
