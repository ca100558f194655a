local role = throng.mod()

function role.start() -->
  throng.log.info("starting")
end

function role.closed(connection, why) -->
  throng.log.info(connection, why)
end

function role.tasks.chat(reply) -->
  return reply
end

role:sequence("tour", { steps = { "walk" } })

function role.walk(far) -->
  return far
end

function role.task() -->
end

return role
