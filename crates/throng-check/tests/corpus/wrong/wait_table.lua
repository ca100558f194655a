local role = throng.mod { wait = { betwen = { 1, 5 } } } --> between

role:task("chat", { wait = { between = { "1s", "5 secs" } } }, function() end) --> "5s"
role:task("walk", { wait = { throughput = "fast" } }, function() end) -->

return role
