return {
  head = function(payload) return { name = payload } end,
  decode = string.upper,
  server = {},
}
