//! The guide and the READMEs tell the truth: their settings are read, their mods loaded and checked, their fragments and
//! tests played, their commands parsed, and every function of the API has its place.
//!
//! What follows the language of a block says what it is:
//!
//! | block | what it is |
//! |---|---|
//! | `lua` | a whole mod, or a file of `lib/` when it begins with `-- lib/NAME.lua` |
//! | `lua fragment` | lines inside a robot's function, played against the demo server |
//! | `lua fragment norun` | the same, only loaded and checked: it ends the robot or waits for what does not come |
//! | `lua test` | a file of `tests/`, run by `throng test` |
//! | `lua page` | a whole mod of an example, for the `toml` block that comes before the example's first mod |
//! | `proto` | a schema of every project that snippets are put into, under the name in its first line |
//! | `lua protocol` | the functions of a protocol, a file of every project, under the name in its first line |
//! | `lua page test` | the example's test, which ends it; a page may have several |
//! | `lua wrong` | what `throng check` must refuse |
//! | `toml` | settings, alone in their file |
//! | `console` | commands |

mod api;
mod blocks;
mod console;
mod links;
mod lua;
mod play;
mod project;
mod settings;
