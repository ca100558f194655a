local role = throng.mod()

role:tsak("chat", function(self) --> task
  self:wave()
end)

role:onn("KickNotify", function() end) --> on

function role:hello() end

function role:start()
  self:helo() --> hello
  self:dance()
end

return role
