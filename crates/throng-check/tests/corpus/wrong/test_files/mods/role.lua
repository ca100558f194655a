local role = throng.mod()

throng.test("not here", function() end) -->

return role
