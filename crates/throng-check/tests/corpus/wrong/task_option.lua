local role = throng.mod { need = { "role" } } --> needs

role:task("chat", { wieght = 3 }, function() end) --> weight
role:task("walk", { weigth = 3, timeot = "5s" }, function() end) --> timeout
role:sequence("shop", { step = { "browse" } }) --> steps

function role:browse() end

return role
