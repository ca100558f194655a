//! The example robots bring the schemas the demo speaks.

use std::{fs, path::Path};

#[test]
fn the_example_has_the_same_schemas() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("protos");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/simple_robot/protos");
    for file in ["game/msg.sproto", "game/game.sproto", "battle/c2s.sproto", "battle/s2c.sproto"] {
        let [own, example] = [&own, &example].map(|folder| fs::read_to_string(folder.join(file)).unwrap());
        assert_eq!(own, example, "{file}");
    }
}
