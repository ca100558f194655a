//! `connection:cipher` with functions of the script's.

use crate::world::plan;
use throng_metrics::FailureKind;

/// A connection to the server that sends raw frames back, and a cipher that adds a number to each byte.
const BEGIN: &str = "
    local function add(by)
      return function(bytes)
        return (bytes:gsub('.', function(char) return string.char((char:byte() + by) % 256) end))
      end
    end
    function a:start()
      local c = self.robot:connect('c', 'tcp://127.0.0.1:4001') ";

#[test]
fn a_function_encrypts_and_another_decrypts_from_the_next_frame_on() {
    let mut world = plan(&format!(
        "{BEGIN}
           print(c:request('x', 'plain'))
           c:cipher {{ send = add(1), receive = add(-1) }}
           print(self.robot:all(
             function() return c:request('x', 'abc') end,
             function() return c:request('x', 'xyz') end))
           c:cipher {{ send = false, receive = false }}
           print(c:request('x', 'plain again'))
         end"
    ))
    .echo();
    world.advance(1);
    assert_eq!(world.links.bytes[0], "plain");
    assert_eq!(world.links.bytes[1], "bcd\0\u{3}yz{");
    assert_eq!(world.links.bytes[2], "plain again");
    world.expect(&["plain", "abc\txyz", "plain again"]);
}

#[test]
fn the_cipher_of_each_message_is_the_one_that_held_when_it_was_sent() {
    let mut world = plan(&format!(
        "{BEGIN}
           c:send('x', 'a')
           c:cipher {{ send = add(1) }}
           c:send('x', 'a') c:send('x', 'a')
           c:cipher {{ send = add(2) }}
           c:send('x', 'a')
           c:close()
         end"
    ))
    .echo();
    world.advance(1);
    assert_eq!(world.links.bytes, ["a\0\u{1}b\0\u{1}b\0\u{1}c"]);
    world.expect(&[]);
}

#[test]
fn a_function_keeps_its_place_in_what_it_captured() {
    let mut world = plan(&format!(
        "{BEGIN}
           local sent = 0
           c:cipher {{ covers = 'all', send = function(bytes) sent = sent + #bytes return bytes end }}
           c:send('x', 'abc') c:send('x', 'de')
           self.robot:sleep(1)
           print(sent)
         end"
    ))
    .echo();
    world.advance(1_500);
    world.expect(&["9"]);
}

#[test]
fn a_function_that_decrypts_all_of_a_stream_gets_every_byte_once() {
    let mut world = plan(&format!(
        "{BEGIN}
           c:cipher {{ covers = 'all', send = add(7), receive = add(-7) }}
           print(c:request('x', 'first'), c:request('x', 'second'))
         end"
    ))
    .echo();
    world.advance(1);
    world.expect(&["first\tsecond"]);
}

#[test]
fn a_function_that_is_wrong_ends_its_connection() {
    for (function, wanted) in [
        ("function(bytes) return bytes .. 'x' end", "a cipher gives as many bytes as it gets: 3, not 4"),
        ("function() end", "a cipher gives a string of bytes, not nil"),
        ("function() error('no key') end", "no key"),
        ("function(b) return b.x.y end", "attempt to index a nil value"),
        ("function() while true do end end", "cut off"),
        ("function() throng.http.get('http://127.0.0.1:1') end", "may not block here"),
    ] {
        for direction in ["send", "receive"] {
            let mut plan = plan(&format!(
                "{BEGIN}
                   c:cipher {{ {direction} = {function} }}
                   print(pcall(c.request, c, 'x', 'abc'))
                   print(c.is_open)
                 end"
            ));
            plan.change = Box::new(|project| project.limits.deadline = std::time::Duration::from_millis(20));
            let mut world = plan.echo();
            world.advance(1);
            assert_eq!(world.failures(FailureKind::Protocol), 1, "{function} {direction}");
            let groups = world.totals.failures();
            let group = groups.iter().find(|group| group.kind == FailureKind::Protocol).expect("the failure");
            let message = group.message.to_string();
            assert!(message.starts_with("the cipher failed: mods/a.lua:"), "{message}");
            assert!(message.contains(wanted), "{message}");
            let told = world.told();
            assert!(told[0].starts_with("false\t") && told[1] == "false", "{told:?}");
        }
    }
}

#[test]
fn a_function_may_use_its_connection_to_no_harm() {
    let mut world = plan(&format!(
        "{BEGIN}
           c:cipher {{ send = function(bytes)
             print(pcall(c.send, c, 'x', 'inside'))
             print(throng.now() >= 0, c.is_open)
             c:close()
             return bytes
           end }}
           c:send('x', 'abc')
           self.robot:sleep(1)
           print(c.is_open)
         end"
    ))
    .echo();
    world.advance(1_500);
    let told = world.told();
    assert!(told[0].starts_with("false\t"), "{told:?}");
    assert_eq!(told[1..], ["true\ttrue", "false"]);
}
