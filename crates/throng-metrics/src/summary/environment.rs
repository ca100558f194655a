//! On what and how a run was carried out.

use serde::{Deserialize, Serialize};

/// The machine that drove the robots, and what was set; what is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// throng's version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The machine's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Its system, such as `linux 6.1.0 x86_64`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub system: String,
    /// What its processor is called.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub processor: String,
    /// How many cores this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u64>,
    /// Its memory in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// How many threads drove the robots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shards: Option<u64>,
    /// What the file, the environment and the flags set, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// A setting that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its path, such as `load.robots`.
    pub key: String,
    /// Its value as it would be typed; `***` where it may be a secret.
    pub value: String,
}

impl Environment {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}
