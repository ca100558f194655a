local login = {}

function login.run(connection, name)
  count = 1 -->
  return connection:request("LoginReuset", { Name = name }) --> LoginReuest
end

return login
