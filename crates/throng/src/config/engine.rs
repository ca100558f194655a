//! The settings as the engine takes them.

use std::sync::Arc;

use throng_engine::{Allowed, HttpSettings, ProtocolRoute, Settings};

use super::Config;
use super::Pattern;

impl Config {
    /// What all shards of a run are told; `seed` is the run's, whether it was set or chosen.
    pub fn engine_settings(&self, seed: u64) -> Settings {
        let scheme = self.target.host.as_deref().and_then(|host| Some(host.split_once("://")?.0));
        Settings {
            seed,
            protocols: self.protocols.iter().map(route).collect(),
            websocket_by_default: !scheme.is_some_and(|scheme| matches!(scheme, "tcp" | "tls")),
            tls_by_default: scheme.is_some_and(|scheme| matches!(scheme, "tls" | "wss")),
            tls: self.tls.wire.clone(),
            http: HttpSettings { redaction: self.redaction.clone(), ..self.http.clone() },
            wait: self.robot.wait,
            task_rate: self.load.task_rate,
            on_error: self.robot.on_error,
            manual_ready: self.robot.manual_ready,
            ready_timeout: self.robot.ready_timeout,
            stop_timeout: self.load.stop_timeout,
            allowed: Allowed::new(self.target.allow.iter().map(String::as_str)),
            local_addresses: self.load.local_addresses.clone(),
            tcp: self.tcp,
            proxy_protocol: self.target.proxy_protocol.clone(),
            ..Settings::default()
        }
    }
}

fn route(protocol: &super::Protocol) -> ProtocolRoute {
    let hosts = protocol.hosts.iter().map(Pattern::as_str).map(str::to_owned).collect();
    ProtocolRoute { protocol: Arc::clone(&protocol.wire), hosts }
}
