local hero = throng.mod { needs = { "role", "freind" } } --> friend
return hero
