local role = throng.mod()
local token, began, list

throng.run.on_start(function()
  token = "x" -->
  list.first = 1 -->
  began = throng.now()
end)

throng.run.on_strat(function() end) --> on_start
throng.run.on_stop("goodbye") -->
throng.run.on_stop(function() role.robot:sleep(began) end) -->

function role:start()
  print(token, list)
  throng.run.on_stop(function() end) -->
end

return role
