local friend = throng.mod { needs = { "friend" } } -->
return friend
