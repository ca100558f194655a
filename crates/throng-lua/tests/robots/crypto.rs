//! `throng.crypto` and skynet's login set: each function against a published vector, from Lua.

use crate::world::plan;

const SETUP: &str = "local c = throng.crypto local hex, bytes = c.hex, c.from_hex \
    local COUNT, OTHER = bytes '0102030405060708', bytes 'f0debc9a78563412' ";

/// Runs `lua` as a robot's start; each pair it lists must be equal.
#[track_caller]
fn equal(lua: &str) {
    let mut world = plan(&format!(
        "{SETUP} function a:start()
             for index, pair in ipairs {{ {lua} }} do
                 if pair[1] ~= pair[2] then print(index, pair[1], pair[2]) end
             end
             print 'done'
         end"
    ))
    .echo();
    world.advance(1);
    world.expect(&["done"]);
}

/// That `call` raises an error with the caller's line and `text`.
#[track_caller]
fn refuses(call: &str, text: &str) {
    let mut world =
        plan(&format!("{SETUP} function a:start() print(pcall(function()\n{call}\nend)) end")).echo();
    world.advance(1);
    let told = world.told();
    assert!(told[0].starts_with("false\tmods/a.lua:2: ") && told[0].contains(text), "{told:?}");
}

#[test]
fn digests_are_those_of_their_standards() {
    // RFC 1321; FIPS 180-4; the check value of CRC-32.
    equal(
        "{ hex(c.md5 'abc'), '900150983cd24fb0d6963f7d28e17f72' },
         { hex(c.sha1 'abc'), 'a9993e364706816aba3e25717850c26c9cd0d89d' },
         { hex(c.sha256 'abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
         { hex(c.sha512 'abc'), 'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a'
             .. '2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f' },
         { c.crc32 '123456789', 0xcbf43926 }",
    );
}

#[test]
fn keyed_digests_are_those_of_their_standards() {
    // RFC 2202 and RFC 4231, test case 2.
    equal(
        "{ hex(c.hmac_md5('Jefe', 'what do ya want for nothing?')), '750c783e6ab0b503eaa86e310a5db738' },
         { hex(c.hmac_sha1('Jefe', 'what do ya want for nothing?')), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79' },
         { hex(c.hmac_sha256('Jefe', 'what do ya want for nothing?')),
             '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843' },
         { hex(c.hmac_sha512('Jefe', 'what do ya want for nothing?')),
             '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554'
             .. '9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737' }",
    );
}

#[test]
fn text_forms_are_those_of_their_standards() {
    // RFC 4648.
    equal(
        "{ c.base64 'foobar', 'Zm9vYmFy' }, { c.base64 'fo', 'Zm8=' }, { c.from_base64 'Zm8=', 'fo' },
         { c.base64url '\\xfb\\xff', '-_8' }, { c.from_base64url '-_8', '\\xfb\\xff' },
         { hex '\\0\\xff', '00ff' }, { bytes '00FFa0', '\\0\\xff\\xa0' }",
    );
}

#[test]
fn ciphers_are_those_of_their_standards() {
    // RFC 6229's keystream; NIST SP 800-38A, F.1.1, F.2.1, F.5.1; the GCM specification's test case 2.
    equal(
        "{ hex(c.rc4(bytes '0102030405', ('\\0'):rep(16))), 'b2396305f03dc027ccc3524a0a1118a8' },
         { hex(c.aes_ecb_encrypt(bytes '2b7e151628aed2a6abf7158809cf4f3c',
             bytes '6bc1bee22e409f96e93d7e117393172a', 'none')), '3ad77bb40d7a3660a89ecaf32466ef97' },
         { hex(c.aes_ecb_decrypt(bytes '2b7e151628aed2a6abf7158809cf4f3c',
             bytes '3ad77bb40d7a3660a89ecaf32466ef97', 'none')), '6bc1bee22e409f96e93d7e117393172a' },
         { hex(c.aes_cbc_encrypt(bytes '2b7e151628aed2a6abf7158809cf4f3c', bytes '000102030405060708090a0b0c0d0e0f',
             bytes '6bc1bee22e409f96e93d7e117393172a', 'none')), '7649abac8119b246cee98e9b12e9197d' },
         { c.aes_cbc_decrypt(('k'):rep(16), ('i'):rep(16), c.aes_cbc_encrypt(('k'):rep(16), ('i'):rep(16), 'hello')), 'hello' },
         { hex(c.aes_ctr(bytes '2b7e151628aed2a6abf7158809cf4f3c', bytes 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
             bytes '6bc1bee22e409f96e93d7e117393172a')), '874d6191b620e3261bef6864990db6ce' },
         { hex(c.aes_gcm_encrypt(('\\0'):rep(16), ('\\0'):rep(12), ('\\0'):rep(16))),
             '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf' },
         { c.aes_gcm_decrypt(('k'):rep(32), ('n'):rep(12), c.aes_gcm_encrypt(('k'):rep(32), ('n'):rep(12), 'hi', 'v1'), 'v1'), 'hi' },
         { hex(c.xor('\\1\\2\\3', '\\1\\0')), '000202' }",
    );
}

#[test]
fn a_stream_goes_on_where_it_was() {
    equal(
        "{ (function()
             local one, whole = c.rc4_stream 'key', c.rc4('key', 'first second')
             return one:apply 'first ' .. one:apply 'second' == whole end)(), true },
         { (function()
             local one = c.aes_ctr_stream(('k'):rep(16), ('i'):rep(16))
             return one:apply 'abc' .. one:apply 'def' == c.aes_ctr(('k'):rep(16), ('i'):rep(16), 'abcdef') end)(), true },
         { (function() local one = c.xor_stream '\\1\\2' return one:apply 'a' .. one:apply 'b' end)(), c.xor('ab', '\\1\\2') }",
    );
}

#[test]
fn a_robots_random_bytes_are_the_same_in_every_run() {
    let drawn = || {
        let mut world = plan(
            "local c = throng.crypto
             function a:start() print(c.hex(c.random_bytes(5)), c.uuid(), #c.random_bytes(0)) end",
        )
        .echo();
        world.advance(1);
        world.told()
    };
    let (first, second) = (drawn(), drawn());
    assert_eq!(first, second);
    let fields: Vec<&str> = first[0].split('\t').collect();
    assert_eq!((fields[0].len(), fields[2]), (10, "0"));
    let uuid: Vec<&str> = fields[1].split('-').collect();
    assert_eq!(uuid.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(uuid[2].starts_with('4') && uuid[3].starts_with(['8', '9', 'a', 'b']), "{uuid:?}");
}

#[test]
fn skynet_s_set_answers_to_skynet_s_names() {
    // What skynet's own lua-crypt gives for the same calls; FIPS 180-4 and RFC 2202 for the last.
    equal(
        "{ require 'skynet.crypt', require 'client.crypt' }, { require 'crypt', c.skynet },
         { hex(c.skynet.hashkey 'hello'), '9930920fcbef1867' },
         { hex(c.skynet.hmac64(COUNT, OTHER)), '7ba199c526d8ef17' },
         { hex(c.skynet.hmac64_md5(COUNT, OTHER)), '65c42d6db3dd4a3e' },
         { hex(c.skynet.hmac_hash(COUNT, 'hello@sample#0:1')), '73cf0addd77c78d9' },
         { hex(c.skynet.dhexchange(COUNT)), '984e1418283235ed' },
         { hex(c.skynet.dhsecret(bytes '984e1418283235ed', bytes 'f0debc9a78563412')), 'e61d2b68e6360faa' },
         { hex(c.skynet.desencode(bytes '0101010101010101', bytes '8000000000000000')):sub(1, 16), '95f8a5e5dd31d900' },
         { c.skynet.desdecode('8bytekey', c.skynet.desencode('8bytekey', 'user:password')), 'user:password' },
         { c.skynet.desdecode('8bytekey', c.skynet.desencode('8bytekey', 'x', c.skynet.padding.pkcs7), 1), 'x' },
         { c.skynet.base64encode 'foobar', 'Zm9vYmFy' }, { c.skynet.base64decode 'Zm9vYmFy', 'foobar' },
         { c.skynet.hexencode '\\0\\xff', '00ff' }, { c.skynet.hexdecode '00ff', '\\0\\xff' },
         { hex(c.skynet.xor_str('hello world', 'key')), '030015070a591c0a0b0701' },
         { c.skynet.hexencode(c.skynet.sha1 'abc'), 'a9993e364706816aba3e25717850c26c9cd0d89d' },
         { hex(c.skynet.hmac_sha1('Jefe', 'what do ya want for nothing?')), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79' },
         { #c.skynet.randomkey(), 8 }",
    );
}

#[test]
fn a_file_of_the_project_goes_before_a_library_of_its_name() {
    let mut world = plan("local crypt = require 'crypt' function a:start() print(crypt.mine) end")
        .file("lib/crypt.lua", "return { mine = true }")
        .echo();
    world.advance(1);
    world.expect(&["true"]);
}

#[test]
fn mistakes_are_told_with_the_callers_line() {
    refuses("c.md5(5)", "md5 wants its text as a string of bytes, not ");
    refuses("c.hmac_sha1('k')", "hmac_sha1 wants its text as a string of bytes, not nil");
    refuses("c.aes_ctr('short', ('i'):rep(16), 'x')", "aes_ctr: ");
    refuses(
        "c.aes_ecb_encrypt(('k'):rep(16), 'x', 'zero')",
        "knows the paddings \"pkcs7\" and \"none\", not \"zero\"",
    );
    refuses("c.from_hex 'abc'", "from_hex: ");
    refuses("c.from_base64 '!'", "from_base64: ");
    refuses("c.random_bytes(-1)", "random_bytes gives 0 to 1048576 bytes, not -1");
    refuses("c.random_bytes(1 << 21)", "random_bytes gives 0 to 1048576 bytes");
    refuses("c.rc4_stream('')", "rc4_stream: ");
    refuses("c.rc4_stream('k').apply('x')", "write stream:apply(bytes), with a colon");
    refuses("c.skynet.hmac64('1234567', '12345678')", "hmac64: the first argument must have 8 bytes");
    refuses("c.skynet.desencode('12345678', 'x', 7)", "desencode: there is no padding mode 7");
}

#[test]
fn the_library_is_frozen() {
    let mut world = plan("function a:start() throng.crypto.md5 = print end").echo();
    world.advance(1);
    world.expect_error("mods/a.lua:1", "");
}

#[test]
fn hashing_without_end_is_cut_off() {
    let mut world = plan(
        "function a:start()
             local text = ('x'):rep(4 << 20)
             while true do throng.crypto.sha512(text) end
         end",
    )
    .echo();
    world.advance(1);
    world.expect_error("cut off: ran for", "");
}
