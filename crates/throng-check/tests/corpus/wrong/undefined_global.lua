local role = throng.mod()
local threshold = 10

function role:start()
  pirnt("hello") --> print
  if self.robot.id > treshold then --> threshold
    thrng.log.info("high") --> throng
  end
  local list = tabel.concat({}) --> table
  robot:sleep(1) -->
  return list
end

function role.help()
  return self.value -->
end

return role
