//! Fake web servers, and what `throng.http` does with what they answer.

use super::project;

const SITE: &str = "http://login.test";

#[test]
fn a_robot_asks_and_a_function_answers() {
    project(
        "function a:start()
             local reply = throng.http.post('http://login.test/in?v=1', 'secret', {
                 query = { b = 2, a = { 'x y', true } }, headers = { ['X-Game'] = 'chess' },
             })
             self.reply = reply
         end",
    )
    .test(&format!(
        "world:http('{SITE}', function() return 500 end)
         world:http('{SITE}/in', function(request)
             assert(request.method == 'POST' and request.body == 'secret')
             assert(request.url == '{SITE}/in?v=1&a=x+y&a=true&b=2', request.url)
             assert(request.headers['x-game'] == 'chess' and request.headers['X-GAME'] == 'chess')
             return {{ status = 201, headers = {{ Place = 'here' }}, body = 'made' }}
         end)
         local robot = world:robot()
         world:advance(1)
         local reply = robot.mods.a.reply
         assert(reply.status == 201 and reply.body == 'made' and reply.headers.PLACE == 'here')
         assert(reply.name == 'POST /in', reply.name)"
    ))
    .passes();
}

#[test]
fn forms_are_sent_as_forms() {
    project("function a:start() throng.http.post('http://login.test/', nil, { form = { name = 'ann b', n = 1 } }) end")
        .test(&format!(
            "local came
             world:http('{SITE}', function(request) came = request return '' end)
             world:robot()
             world:advance(1)
             assert(came.body == 'n=1&name=ann+b', came.body)
             assert(came.headers['content-type'] == 'application/x-www-form-urlencoded')"
        ))
        .passes();
}

#[test]
fn cookies_and_redirects_are_as_over_sockets() {
    project(
        "function a:start()
             throng.http.get('http://login.test/in')
             self.last = throng.http.get('http://login.test/play').body
             self.stays = throng.http.get('http://login.test/in', { redirects = 0 }).status
             self.bare = throng.http.get('http://login.test/play', { cookies = false }).body
         end",
    )
    .test(&format!(
        "world:http('{SITE}', function(request)
             if request.url:find('/in', 1, true) then
                 return {{ status = 302, headers = {{ Location = '/play', ['Set-Cookie'] = 's=7; Path=/' }} }}
             end
             return request.headers.cookie or 'none'
         end)
         local robot = world:robot()
         world:advance(1)
         local mod = robot.mods.a
         assert(mod.last == 's=7' and mod.stays == 302 and mod.bare == 'none', mod.last)"
    ))
    .passes();
}

#[test]
fn what_says_no_is_counted_and_returned_and_what_never_answers_raises() {
    project(
        "function a:start()
             self.status = throng.http.get('http://login.test/no').status
             throng.http.get('http://login.test/no', { expect = { 403 }, name = 'looked for' })
             local ok, failure = pcall(throng.http.get, 'http://login.test/never', { timeout = '2s' })
             self.ok, self.failure, self.after = ok, failure, throng.now()
             local ok, refused = pcall(throng.http.get, 'http://elsewhere.test/', { quiet = true })
             self.refused = refused
         end",
    )
    .test(&format!(
        "world:http('{SITE}/no', function() return 403 end)
         world:http('{SITE}/never', function() end)
         local robot = world:robot()
         world:advance(5)
         local mod = robot.mods.a
         assert(mod.status == 403 and not mod.ok and mod.failure.kind == 'timeout' and mod.after == 2)
         assert(mod.failure.connection == 'http' and mod.failure.name == 'GET /never')
         assert(mod.refused.kind == 'refused' and tostring(mod.refused):find('world:http', 1, true))
         local kinds = {{}}
         for _, failure in ipairs(world:failures()) do kinds[failure.kind] = failure.count end
         assert(kinds.rejected == 1 and kinds.timeout == 1 and not kinds.refused)"
    ))
    .passes();
}

#[test]
fn mistakes_are_told_with_the_callers_line() {
    project(
        "function a:start()
             local function said(fn, ...) local ok, text = pcall(fn, ...) return tostring(text) end
             local http = throng.http
             self.said = {
                 said(http.get), said(http.get, 'http://a/', { header = {} }), said(http.request, 'G T', 'http://a/'),
                 said(http.get, 'http://a/', { headers = { ['a b'] = '1' } }), said(http.post, 'http://a/', 'x', { form = {} }),
                 said(http.get, 'http://a/', { query = { 1 } }), said(http.get, 'ws://a/'),
             }
         end",
    )
    .test(
        "local robot = world:robot()
         world:advance(1)
         local said = robot.mods.a.said
         local wanted = {
             'wanted an address such as', \"unknown option 'header'\", 'is no HTTP method', 'is no name of an HTTP header',
             'wants one body', 'not a list', 'wanted `http` or `https`',
         }
         for index, text in ipairs(wanted) do
             assert(said[index]:find(text, 1, true) and said[index]:find('mods/a.lua:', 1, true), said[index])
         end",
    )
    .passes();
}

#[test]
fn json_is_read_when_it_is_asked_for() {
    project(
        "function a:start()
             self.reply = throng.http.post('http://login.test/', { name = 'ann' })
             local broken = throng.http.get('http://login.test/broken', { name = 'broken' })
             local ok, failure = pcall(function() return broken.json end)
             self.failure = failure
         end",
    )
    .test(&format!(
        "world:http('{SITE}', function(request)
             assert(request.json.name == 'ann' and request.headers['content-type'] == 'application/json')
             return {{ json = {{ token = 7 }} }}
         end)
         world:http('{SITE}/broken', function() return '{{' end)
         local robot = world:robot()
         world:advance(1)
         local mod = robot.mods.a
         assert(mod.reply.json.token == 7 and mod.reply.nothing == nil)
         assert(mod.failure.kind == 'decode' and mod.failure.name == 'broken')
         assert(#world:failures() == 1)"
    ))
    .passes();
}
