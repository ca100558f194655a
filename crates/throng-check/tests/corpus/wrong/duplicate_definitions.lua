local role = throng.mod()

role:task("chat", function() end)
role:task("walk", function() end)
role:task("chat", { weight = 2 }, function() end) -->

function role.tasks:walk() end -->

function role:start() end
function role:start() end -->

return role
