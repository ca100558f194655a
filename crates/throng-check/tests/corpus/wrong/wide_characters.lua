local role = throng.mod()

role:task("聊天", function(self)
  local 名 = "你好" -->
end)

return role
