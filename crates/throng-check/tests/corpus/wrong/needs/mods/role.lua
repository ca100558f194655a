local role = throng.mod { needs = { "hero" } }
return role
