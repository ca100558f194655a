//! Frozen state: what scripts share can be read as before, and writing to it is an error that says where to
//! put it.

use mlua::{Function, Lua, Table, Value};
use throng_lua::sandbox::freeze::{self, Frozen, Root, freeze};
use throng_lua::sandbox::{self, Limits};

struct Project {
    frozen: Frozen,
    lua: Lua,
    role: Table,
}

/// Loads `source` as a mod that returns its class, and freezes.
fn load(source: &str) -> Project {
    let lua = Lua::new();
    sandbox::install(&lua, &Limits::default()).unwrap();
    let role: Table = lua.load(source).set_name("@mods/role.lua").eval().unwrap();
    let root = Root { name: "role".to_owned(), value: Value::Table(role.clone()) };
    let frozen = freeze(&lua, &[root], "=throng/").unwrap();
    Project { frozen, lua, role }
}

impl Project {
    fn call(&self, method: &str) -> mlua::Result<Value> {
        self.role.get::<Function>(method)?.call(self.lua.create_table()?)
    }

    #[track_caller]
    fn assert_refused(&self, method: &str, message: &str) {
        let error = self.call(method).expect_err("the write was not refused").to_string();
        let first = error.lines().next().unwrap_or_default();
        assert_eq!(first, format!("runtime error: {message} is frozen after load: put it in self (in init)"));
    }

    #[track_caller]
    fn assert_true(&self, method: &str) {
        assert_eq!(self.call(method).unwrap(), Value::Boolean(true), "{method}");
    }
}

#[test]
fn globals_are_frozen() {
    let project = load(
        "count = 0
        local role = {}
        function role.new() other = 1 end
        function role.old() count = count + 1 end
        function role.by_table() _G.count = 1 end
        function role.by_name() _ENV['co' .. 'unt'] = 1 end
        function role.raw() rawset(_G, 'count', 1) end
        function role.standard() print = nil end
        function role.library() string.find = nil end
        function role.loaded() load('count = 5')() end
        function role.read() return count == 0 and string.len('x') == 1 and ('x'):upper() == 'X' and _G.count == 0 end
        return role",
    );
    project.assert_refused("new", "mods/role.lua:3: global 'other'");
    project.assert_refused("old", "mods/role.lua:4: global 'count'");
    project.assert_refused("by_table", "mods/role.lua:5: global 'count'");
    project.assert_refused("by_name", "mods/role.lua:6: global 'count'");
    project.assert_refused("raw", "mods/role.lua:7: global 'count'");
    project.assert_refused("standard", "mods/role.lua:8: global 'print'");
    project.assert_refused("library", "mods/role.lua:9: 'string.find'");
    project.assert_refused("loaded", "[string \"count = 5\"]:1: global 'count'");
    project.assert_true("read");
}

#[test]
fn the_class_and_captured_tables_are_frozen_deeply() {
    let project = load(
        "local role = { limits = { high = 5 } }
        local seen, list = {}, { 3, 1, 2 }
        local function remember(key) seen[key] = true end
        function role.class() role.value = 1 end
        function role.method() function role.class() end end
        function role.nested() role.limits.high = 6 end
        function role.captured() remember('x') end
        function role.array() list[1] = 0 end
        function role.append() list[#list + 1] = 0 end
        function role.insert() table.insert(list, 0) end
        function role.remove() table.remove(list) end
        function role.sort() table.sort(list) end
        function role.raw() rawset(seen, 'x', 1) end
        function role.number() seen[1.5] = 1 end
        function role.metatable() setmetatable(seen, {}) end
        return role",
    );
    project.assert_refused("class", "mods/role.lua:4: 'role.value'");
    project.assert_refused("method", "mods/role.lua:5: 'role.class'");
    project.assert_refused("nested", "mods/role.lua:6: 'role.limits.high'");
    project.assert_refused("captured", "mods/role.lua:3: 'seen.x'");
    project.assert_refused("array", "mods/role.lua:8: 'list[1]'");
    project.assert_refused("append", "mods/role.lua:9: 'list[4]'");
    project.assert_refused("insert", "mods/role.lua:10: 'list[4]'");
    project.assert_refused("remove", "mods/role.lua:11: 'list[3]'");
    project.assert_refused("sort", "mods/role.lua:12: 'list[1]'");
    project.assert_refused("raw", "mods/role.lua:13: 'seen.x'");
    project.assert_refused("number", "mods/role.lua:14: 'seen'");
    let error = project.call("metatable").unwrap_err().to_string();
    assert!(error.contains("cannot change a protected metatable"), "{error}");
}

#[test]
fn frozen_tables_read_as_before() {
    let project = load(
        "local list, map = { 'a', 'b', 'c' }, { x = 1, y = { z = 2 } }
        local role = {}
        function role.length() return #list == 3 and rawlen(list) == 3 end
        function role.index() return list[2] == 'b' and map.y.z == 2 and rawget(map, 'x') == 1 and map.none == nil end
        function role.ipairs()
            local text = ''
            for i, v in ipairs(list) do text = text .. i .. v end
            return text == '1a2b3c'
        end
        function role.pairs()
            local sum, last = 0
            for k, v in pairs(list) do sum, last = sum + k, v end
            return sum == 6 and last == 'c'
        end
        function role.next()
            local count = 0
            for k in next, map do count = count + 1 end
            return count == 2 and next({}) == nil and next(list) == 1
        end
        function role.hidden()
            local _, state = pairs(map)
            return state == map
        end
        function role.unpack() local a, b, c = table.unpack(list) return a .. b .. c == 'abc' end
        function role.concat() return table.concat(list, '-') == 'a-b-c' end
        function role.move() return #table.move(list, 1, 3, 1, {}) == 3 end
        function role.identity() local t = { [map] = 1 } return t[map] == 1 and type(map) == 'table' end
        function role.gsub() return ('x'):gsub('x', map) == '1' end
        return role",
    );
    for method in [
        "length", "index", "ipairs", "pairs", "next", "hidden", "unpack", "concat", "move", "identity",
        "gsub",
    ] {
        project.assert_true(method);
    }
}

#[test]
fn metatables_keep_working() {
    let project = load(
        "local Point = {}
        Point.__index = Point
        Point.__add = function(a, b) return Point.new(a.x + b.x) end
        Point.__tostring = function(p) return 'point ' .. p.x end
        function Point.new(x) return setmetatable({ x = x }, Point) end
        function Point:double() return self + self end
        local origin = Point.new(0)
        local lazy = setmetatable({ known = 1 }, { __index = function(t, k) return k .. (rawget(t, 'known') or '') end })
        local fallback = setmetatable({ a = 1 }, { __index = { b = 2 } })
        local role = {}
        function role.method() return Point.new(2):double().x == 4 and tostring(Point.new(3)) == 'point 3' end
        function role.constant() return (origin + Point.new(5)).x == 5 and getmetatable(origin) == Point end
        function role.function_index() return lazy.known == 1 and lazy.other == 'other1' end
        function role.table_index() return fallback.a == 1 and fallback.b == 2 and fallback.c == nil end
        function role.own() local p = Point.new(1) p.x = 9 p.y = 1 return p.x == 9 end
        function role.write() origin.x = 1 end
        function role.class_write() Point.extra = 1 end
        function role.called() return setmetatable({}, { __call = function(_, x) return x end })(true) end
        return role",
    );
    for method in ["method", "constant", "function_index", "table_index", "own", "called"] {
        project.assert_true(method);
    }
    project.assert_refused("write", "mods/role.lua:16: 'origin.x'");
    project.assert_refused("class_write", "mods/role.lua:17: 'Point.extra'");
}

#[test]
fn a_captured_local_that_is_assigned_is_reported_and_set_back() {
    let project = load(
        "local count, name = 0, 'x'
        local role = {}
        function role.count() count = count + 1 return count end
        function role.deep() (function() count = 5 end)() end
        function role.rename(self) if self.never then name = 'y' end end
        return role",
    );
    assert!(project.frozen.is_suspicious());
    assert_eq!(project.frozen.rebound(&project.lua).unwrap(), None);
    assert_eq!(project.call("count").unwrap(), Value::Integer(1));
    let rebound = project.frozen.rebound(&project.lua).unwrap().unwrap();
    assert_eq!(
        rebound.to_string(),
        "mods/role.lua:3 or 4: local 'count' is frozen after load: put it in self (in init)"
    );
    assert_eq!(project.frozen.rebound(&project.lua).unwrap(), None);
    assert_eq!(project.call("count").unwrap(), Value::Integer(1), "the count began anew");
    project.call("rename").unwrap();
    let rebound = project.frozen.rebound(&project.lua).unwrap().unwrap();
    assert_eq!(rebound.name, "count");
}

#[test]
fn assignments_at_load_and_of_a_robots_own_closures_are_free() {
    let project = load(
        "local names
        local function prepare() names = { 'a' } end
        prepare()
        local role = {}
        function role.own()
            local n = 0
            local function add() n = n + 1 return n end
            add()
            return add() == 2
        end
        return role",
    );
    assert!(!project.frozen.is_suspicious());
    project.assert_true("own");
}

#[test]
fn what_only_the_host_captures_is_left_alone() {
    let lua = Lua::new();
    sandbox::install(&lua, &Limits::default()).unwrap();
    let hosts: Table = lua
        .load("local calls = {} return { call = function(x) calls[#calls + 1] = x return #calls end }")
        .set_name("=throng/driver")
        .eval()
        .unwrap();
    lua.globals().raw_set("host", &hosts).unwrap();
    let frozen = freeze(&lua, &[], "=throng/").unwrap();
    assert!(!frozen.is_suspicious());
    assert_eq!(lua.load("return host.call(1) + host.call(1)").eval::<i64>().unwrap(), 3);
    assert!(lua.load("host.call = nil").exec().is_err());
}

#[test]
fn what_a_frozen_table_has_can_be_read_raw_from_its_contents() {
    let project = load("return { body = { Text = 'x' } }");
    let body: Table = project.role.get("body").unwrap();
    assert_eq!(body.raw_get::<Value>("Text").unwrap(), Value::Nil);
    assert_eq!(freeze::contents(&body).raw_get::<String>("Text").unwrap(), "x");
    let free = project.lua.create_table().unwrap();
    assert_eq!(freeze::contents(&free), free);
}

#[test]
fn masses_of_tables_are_frozen_near_the_roots_only() {
    let project = load(
        "local rows, role = {}, {}
        for i = 1, 20000 do rows[i] = { i } end
        function role.near() rows[1] = nil end
        function role.read() return rows[20000][1] == 20000 and #rows == 20000 end
        return role",
    );
    project.assert_refused("near", "mods/role.lua:3: 'rows[1]'");
    project.assert_true("read");
}
