#!/usr/bin/env sockq
-- Q: Which states does each program's connection have, as one line a program?
-- sockq --proc tests/data/captures/mixed-2/proc examples/which-states-has-each-program.lua
--> (paren) name           1 ESTABLISHED
--> a                      1 LISTEN
--> java                   1 CLOSE, 1 CLOSING, 1 LISTEN
--> main: stats collector  1 CLOSING
--> mysqld                 1 LISTEN, 1 SYN_SENT
--> sshd                   1 CLOSE_WAIT, 1 ESTABLISHED

local by_program, names = {}, {}
for group in sockq.tcp():where("program ~= nil"):group("program, state"):sort("program, state"):rows() do
  if not by_program[group.program] then
    by_program[group.program], names[#names + 1] = {}, group.program
  end
  table.insert(by_program[group.program], ("%d %s"):format(group.count, group.state))
end
for _, name in ipairs(names) do
  print(("%-22s %s"):format(sockq.escape(name), table.concat(by_program[name], ", ")))
end
