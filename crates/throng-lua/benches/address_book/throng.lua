-- What is measured of throng, called in a loop of Lua's own: `wire` is what robots' messages go through, `schema` is what
-- scripts that frame their messages themselves have.
local wire = ...
local book = {
    person = {
        [10000] = { name = "Alice", id = 10000, phone = { { number = "123456789", type = 1 }, { number = "87654321", type = 2 } } },
        [20000] = { name = "Bob", id = 20000, phone = { { number = "01234567890", type = 3 } } },
    },
}
local encode, encode_and_pack = wire.encode, wire.encode_and_pack
local decode, unpack_and_decode = wire.decode, wire.unpack_and_decode
local schema = require("sproto").new(wire.bundle)
local bytes, packed = schema:encode("AddressBook", book), schema:pencode("AddressBook", book)

local cases = {}
cases["robot encode"] = function(n)
    for _ = 1, n do encode(book) end
end
cases["robot decode"] = function(n)
    for _ = 1, n do decode() end
end
cases["robot encode+pack"] = function(n)
    for _ = 1, n do encode_and_pack(book) end
end
cases["robot unpack+decode"] = function(n)
    for _ = 1, n do unpack_and_decode() end
end
cases["script encode"] = function(n)
    for _ = 1, n do schema:encode("AddressBook", book) end
end
cases["script decode"] = function(n)
    for _ = 1, n do schema:decode("AddressBook", bytes) end
end
cases["script encode+pack"] = function(n)
    for _ = 1, n do schema:pencode("AddressBook", book) end
end
cases["script unpack+decode"] = function(n)
    for _ = 1, n do schema:pdecode("AddressBook", packed) end
end
local function told(encoded, zipped, decoded)
    return #encoded .. " bytes, " .. #zipped .. " packed, " .. decoded.person[20000].phone[1].number
end
function cases.check()
    local by_script = told(bytes, packed, schema:pdecode("AddressBook", packed))
    encode_and_pack(book)
    local encoded, zipped = wire.encoded()
    local by_robot = told(encoded, zipped, unpack_and_decode())
    return by_robot == by_script and by_robot or by_robot .. ", but for scripts " .. by_script
end
return cases
