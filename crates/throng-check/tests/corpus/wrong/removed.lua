local role = throng.mod()
math.randomseed(os.time()) -->

function role:start()
  local file = io.open("accounts.txt") -->
  if not file then os.exit(1) end -->
  os.execute("ls") -->
  print(debug.traceback(), collectgarbage("count"))
  print(debug.getinfo(1)) -->
  collectgarbage() -->
  dofile("other.lua") -->
  package.loadlib("x.so", "f") -->
  self.level = os.getenv("LEVEL") -->
  self.robot.level = self.level -->
end

return role
