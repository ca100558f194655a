local role = throng.mod { manual_ready = "yes" } -->

role:task("chat", { weight = "3" }, function() end) -->
role:task("walk", { weight = -1 }, function() end) -->
role:task("talk", { when = true }, function() end) -->
role:task("sing", { tags = 5 }, function() end) -->
role:task("hum", { weight = 2 }) -->

return role
