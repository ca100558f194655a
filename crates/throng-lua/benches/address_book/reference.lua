-- What `reference.c` runs: the reference's own encoder and decoder, called as its users call them.
local core = require "sproto.core"
local book = {
    person = {
        [10000] = { name = "Alice", id = 10000, phone = { { number = "123456789", type = 1 }, { number = "87654321", type = 2 } } },
        [20000] = { name = "Bob", id = 20000, phone = { { number = "01234567890", type = 3 } } },
    },
}
local types = {}
local sproto = { __cobj = core.newproto(...) }

-- As in the package's sproto.lua, which keeps types by name.
local function querytype(self, name)
    local found = types[name]
    if not found then
        found = assert(core.querytype(self.__cobj, name), "type not found")
        types[name] = found
    end
    return found
end

function sproto:encode(name, body)
    return core.encode(querytype(self, name), body)
end
function sproto:decode(name, ...)
    return core.decode(querytype(self, name), ...)
end
function sproto:pencode(name, body)
    return core.pack(core.encode(querytype(self, name), body))
end
function sproto:pdecode(name, ...)
    return core.decode(querytype(self, name), core.unpack(...))
end

local bytes, packed = sproto:encode("AddressBook", book), sproto:pencode("AddressBook", book)
local cases = {}
cases["encode"] = function(n)
    for _ = 1, n do sproto:encode("AddressBook", book) end
end
cases["decode"] = function(n)
    for _ = 1, n do sproto:decode("AddressBook", bytes) end
end
cases["encode+pack"] = function(n)
    for _ = 1, n do sproto:pencode("AddressBook", book) end
end
cases["unpack+decode"] = function(n)
    for _ = 1, n do sproto:pdecode("AddressBook", packed) end
end
function cases.check()
    local number = sproto:pdecode("AddressBook", packed).person[20000].phone[1].number
    return #bytes .. " bytes, " .. #packed .. " packed, " .. number
end
return cases
