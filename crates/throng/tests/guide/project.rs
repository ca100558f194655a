//! Robot projects to put snippets into: the schemas of the bundled example, and settings for the demo server.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use throng::config::{Config, Overrides};

use crate::blocks::{blocks, root};

/// What snippets may take for granted: the demo server's protocols, and a line server beside it.
const SETTINGS: &str = r#"
[target]
host = "ws://127.0.0.1:8765"

[robot]
wait = { between = [0.05, 0.2] }
ready_timeout = "4m"

[protocols.game]
hosts = "ws://*"
codec = "sproto"
schema = "protos/game"
envelope = { type = "Msg", name = "Name", body = "Bin" }
reply = { "*Request" = "*Response", "LoginReuest" = "LoginRespone" }

[protocols.battle]
hosts = "tcp://*"
framing = { length = "u16be", max = "64KB" }
codec = "sproto"
schema = { send = "protos/battle/c2s.sproto", receive = "protos/battle/s2c.sproto" }
package = "package"
reply = "session"

[options]
greeting = { default = "hello world", help = "what robots say" }
battle = { default = "127.0.0.1:8767", help = "host:port of the battle server" }
"#;

/// What logs in before anything else of a project begins.
pub(crate) const LOGIN: &str = r#"
local login = throng.mod()

function login:start()
  local lobby = self.robot:connect("lobby", throng.host)
  local list = lobby:request("ServerListRequest", {})
  local game = self.robot:connect("game", "ws://" .. list.ServerList[1])
  self.value = game:request("LoginReuest", {}).MyValue
  local battle = self.robot:connect("battle", "tcp://" .. throng.options.battle)
  battle:request("handshake", {})
end

return login
"#;

/// A project in a folder of its own.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        for schema in ["game/game", "game/msg", "battle/c2s", "battle/s2c"] {
            let name = format!("protos/{schema}.sproto");
            let text = fs::read_to_string(root().join("examples/simple_robot").join(&name)).unwrap();
            project.write(&name, &text);
        }
        for block in blocks("proto") {
            let name = block.text.lines().next().and_then(|line| line.strip_prefix("// "));
            project.write(name.expect("the schema's name"), &block.text);
        }
        for block in [blocks("lua protocol"), blocks("lua shape")].concat() {
            let name = block.text.lines().next().and_then(|line| line.strip_prefix("-- "));
            project.write(name.expect("the file's name"), &block.text);
        }
        project.write("throng.toml", SETTINGS);
        fs::create_dir_all(project.path().join("mods")).unwrap();
        fs::create_dir_all(project.path().join("lib")).unwrap();
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The settings, which the test itself wrote.
    pub(crate) fn config(&self) -> Config {
        Config::load(self.path(), &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"))
    }
}
