local none = throng.mod() -->
return none
