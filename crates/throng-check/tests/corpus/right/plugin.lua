return require("base")("plugin")
