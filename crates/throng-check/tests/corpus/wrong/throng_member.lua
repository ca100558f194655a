local role = throng.mod()

role:task("chat", { weight = 1 }, function(self)
  throng.chek("has a name", self.robot.name ~= nil) --> check
  throng.log.warning("careful") --> warn
  throng.messure("think", function() end) --> measure
  throng:count("chats") --> 
  throng.run.on_start(function() end) -->
end)

return role
