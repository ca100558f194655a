---@meta

---@class game.BattleRequest

---@class game.BattleResponse
---@field Addr? string
---@field Room? integer

---@class game.EchoRequest
---@field Text? string

---@class game.EchoResponse
---@field Text? string

---@class game.KickNotify
---@field Reason? string

---@class game.LoginRespone
---@field MyValue? integer

---@class game.LoginReuest

---@class game.NoticePush
---@field Seq? integer
---@field Text? string

---@class game.NoticeRequest
---@field Count? integer
---@field Text? string

---@class game.NoticeResponse
---@field Count? integer

---@class game.ServerListRequest

---@class game.ServerListResponse
---@field ServerList? string[]

---@class battle.handshake.response
---@field msg? string

---@class battle.get.request
---@field what? string

---@class battle.get.response
---@field result? string

---@class battle.set.request
---@field what? string
---@field value? string

---@class battle.join.request
---@field room? integer
---@field name? string

---@class battle.join.response
---@field id? integer
---@field members? integer[]

---@class battle.move.request
---@field x? integer
---@field y? integer

---@class battle.joined.request
---@field id? integer
---@field name? string

---@class battle.moved.request
---@field id? integer
---@field x? integer
---@field y? integer
---@field seq? integer

---@class battle.left.request
---@field id? integer

---@class throng.Connection
local Connection = {}

---@overload fun(self: throng.Connection, name: "BattleRequest", body?: game.BattleRequest, options?: throng.RequestOptions): game.BattleResponse
---@overload fun(self: throng.Connection, name: "BattleResponse", body?: game.BattleResponse, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "EchoRequest", body?: game.EchoRequest, options?: throng.RequestOptions): game.EchoResponse
---@overload fun(self: throng.Connection, name: "EchoResponse", body?: game.EchoResponse, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "KickNotify", body?: game.KickNotify, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "LoginRespone", body?: game.LoginRespone, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "LoginReuest", body?: game.LoginReuest, options?: throng.RequestOptions): game.LoginRespone
---@overload fun(self: throng.Connection, name: "NoticePush", body?: game.NoticePush, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "NoticeRequest", body?: game.NoticeRequest, options?: throng.RequestOptions): game.NoticeResponse
---@overload fun(self: throng.Connection, name: "NoticeResponse", body?: game.NoticeResponse, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "ServerListRequest", body?: game.ServerListRequest, options?: throng.RequestOptions): game.ServerListResponse
---@overload fun(self: throng.Connection, name: "ServerListResponse", body?: game.ServerListResponse, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "handshake", body?: table, options?: throng.RequestOptions): battle.handshake.response
---@overload fun(self: throng.Connection, name: "get", body?: battle.get.request, options?: throng.RequestOptions): battle.get.response
---@overload fun(self: throng.Connection, name: "set", body?: battle.set.request, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "quit", body?: table, options?: throng.RequestOptions): table
---@overload fun(self: throng.Connection, name: "join", body?: battle.join.request, options?: throng.RequestOptions): battle.join.response
---@overload fun(self: throng.Connection, name: "move", body?: battle.move.request, options?: throng.RequestOptions): table
function Connection:request(name, body, options) end

---@overload fun(self: throng.Connection, name: "BattleRequest", body?: game.BattleRequest, options?: throng.RequestOptions): game.BattleResponse?, throng.Error?
---@overload fun(self: throng.Connection, name: "BattleResponse", body?: game.BattleResponse, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "EchoRequest", body?: game.EchoRequest, options?: throng.RequestOptions): game.EchoResponse?, throng.Error?
---@overload fun(self: throng.Connection, name: "EchoResponse", body?: game.EchoResponse, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "KickNotify", body?: game.KickNotify, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "LoginRespone", body?: game.LoginRespone, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "LoginReuest", body?: game.LoginReuest, options?: throng.RequestOptions): game.LoginRespone?, throng.Error?
---@overload fun(self: throng.Connection, name: "NoticePush", body?: game.NoticePush, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "NoticeRequest", body?: game.NoticeRequest, options?: throng.RequestOptions): game.NoticeResponse?, throng.Error?
---@overload fun(self: throng.Connection, name: "NoticeResponse", body?: game.NoticeResponse, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "ServerListRequest", body?: game.ServerListRequest, options?: throng.RequestOptions): game.ServerListResponse?, throng.Error?
---@overload fun(self: throng.Connection, name: "ServerListResponse", body?: game.ServerListResponse, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "handshake", body?: table, options?: throng.RequestOptions): battle.handshake.response?, throng.Error?
---@overload fun(self: throng.Connection, name: "get", body?: battle.get.request, options?: throng.RequestOptions): battle.get.response?, throng.Error?
---@overload fun(self: throng.Connection, name: "set", body?: battle.set.request, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "quit", body?: table, options?: throng.RequestOptions): table?, throng.Error?
---@overload fun(self: throng.Connection, name: "join", body?: battle.join.request, options?: throng.RequestOptions): battle.join.response?, throng.Error?
---@overload fun(self: throng.Connection, name: "move", body?: battle.move.request, options?: throng.RequestOptions): table?, throng.Error?
function Connection:try_request(name, body, options) end

---@overload fun(self: throng.Connection, name: "BattleRequest", body?: game.BattleRequest)
---@overload fun(self: throng.Connection, name: "BattleResponse", body?: game.BattleResponse)
---@overload fun(self: throng.Connection, name: "EchoRequest", body?: game.EchoRequest)
---@overload fun(self: throng.Connection, name: "EchoResponse", body?: game.EchoResponse)
---@overload fun(self: throng.Connection, name: "KickNotify", body?: game.KickNotify)
---@overload fun(self: throng.Connection, name: "LoginRespone", body?: game.LoginRespone)
---@overload fun(self: throng.Connection, name: "LoginReuest", body?: game.LoginReuest)
---@overload fun(self: throng.Connection, name: "NoticePush", body?: game.NoticePush)
---@overload fun(self: throng.Connection, name: "NoticeRequest", body?: game.NoticeRequest)
---@overload fun(self: throng.Connection, name: "NoticeResponse", body?: game.NoticeResponse)
---@overload fun(self: throng.Connection, name: "ServerListRequest", body?: game.ServerListRequest)
---@overload fun(self: throng.Connection, name: "ServerListResponse", body?: game.ServerListResponse)
---@overload fun(self: throng.Connection, name: "handshake", body?: table)
---@overload fun(self: throng.Connection, name: "get", body?: battle.get.request)
---@overload fun(self: throng.Connection, name: "set", body?: battle.set.request)
---@overload fun(self: throng.Connection, name: "quit", body?: table)
---@overload fun(self: throng.Connection, name: "join", body?: battle.join.request)
---@overload fun(self: throng.Connection, name: "move", body?: battle.move.request)
function Connection:send(name, body) end

---@overload fun(self: throng.Connection, names: "BattleRequest", options?: throng.ExpectOptions): game.BattleRequest, string
---@overload fun(self: throng.Connection, names: "BattleResponse", options?: throng.ExpectOptions): game.BattleResponse, string
---@overload fun(self: throng.Connection, names: "EchoRequest", options?: throng.ExpectOptions): game.EchoRequest, string
---@overload fun(self: throng.Connection, names: "EchoResponse", options?: throng.ExpectOptions): game.EchoResponse, string
---@overload fun(self: throng.Connection, names: "KickNotify", options?: throng.ExpectOptions): game.KickNotify, string
---@overload fun(self: throng.Connection, names: "LoginRespone", options?: throng.ExpectOptions): game.LoginRespone, string
---@overload fun(self: throng.Connection, names: "LoginReuest", options?: throng.ExpectOptions): game.LoginReuest, string
---@overload fun(self: throng.Connection, names: "NoticePush", options?: throng.ExpectOptions): game.NoticePush, string
---@overload fun(self: throng.Connection, names: "NoticeRequest", options?: throng.ExpectOptions): game.NoticeRequest, string
---@overload fun(self: throng.Connection, names: "NoticeResponse", options?: throng.ExpectOptions): game.NoticeResponse, string
---@overload fun(self: throng.Connection, names: "ServerListRequest", options?: throng.ExpectOptions): game.ServerListRequest, string
---@overload fun(self: throng.Connection, names: "ServerListResponse", options?: throng.ExpectOptions): game.ServerListResponse, string
---@overload fun(self: throng.Connection, names: "heartbeat", options?: throng.ExpectOptions): table, string
---@overload fun(self: throng.Connection, names: "joined", options?: throng.ExpectOptions): battle.joined.request, string
---@overload fun(self: throng.Connection, names: "moved", options?: throng.ExpectOptions): battle.moved.request, string
---@overload fun(self: throng.Connection, names: "left", options?: throng.ExpectOptions): battle.left.request, string
function Connection:expect(names, options) end

---@class throng.Mod
local Mod = {}

---@overload fun(self: throng.Mod, name: "BattleRequest", fn: fun(self: throng.Mod, msg: game.BattleRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "BattleRequest", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.BattleRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "BattleResponse", fn: fun(self: throng.Mod, msg: game.BattleResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "BattleResponse", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.BattleResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "EchoRequest", fn: fun(self: throng.Mod, msg: game.EchoRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "EchoRequest", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.EchoRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "EchoResponse", fn: fun(self: throng.Mod, msg: game.EchoResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "EchoResponse", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.EchoResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "KickNotify", fn: fun(self: throng.Mod, msg: game.KickNotify, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "KickNotify", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.KickNotify, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "LoginRespone", fn: fun(self: throng.Mod, msg: game.LoginRespone, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "LoginRespone", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.LoginRespone, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "LoginReuest", fn: fun(self: throng.Mod, msg: game.LoginReuest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "LoginReuest", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.LoginReuest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticePush", fn: fun(self: throng.Mod, msg: game.NoticePush, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticePush", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.NoticePush, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticeRequest", fn: fun(self: throng.Mod, msg: game.NoticeRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticeRequest", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.NoticeRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticeResponse", fn: fun(self: throng.Mod, msg: game.NoticeResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "NoticeResponse", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.NoticeResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "ServerListRequest", fn: fun(self: throng.Mod, msg: game.ServerListRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "ServerListRequest", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.ServerListRequest, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "ServerListResponse", fn: fun(self: throng.Mod, msg: game.ServerListResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "ServerListResponse", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: game.ServerListResponse, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "heartbeat", fn: fun(self: throng.Mod, msg: table, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "heartbeat", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: table, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "joined", fn: fun(self: throng.Mod, msg: battle.joined.request, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "joined", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: battle.joined.request, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "moved", fn: fun(self: throng.Mod, msg: battle.moved.request, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "moved", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: battle.moved.request, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "left", fn: fun(self: throng.Mod, msg: battle.left.request, connection: throng.Connection))
---@overload fun(self: throng.Mod, name: "left", options: throng.OnOptions, fn: fun(self: throng.Mod, msg: battle.left.request, connection: throng.Connection))
function Mod:on(name, options, fn) end
