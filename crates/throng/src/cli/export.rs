//! Flags of who gets a run's figures while it goes on.

use clap::Args;

use crate::config::FlagValue;

/// Settings of `[export]` as flags. They are texts here: the settings are the one place that reads them.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Exporters")]
pub struct ExportFlags {
    /// Let Prometheus scrape the run here, such as 9464 or 0.0.0.0:9464.
    #[arg(long, value_name = "ADDRESS")]
    pub prometheus: Option<String>,
    /// Push the run's figures to an OpenTelemetry collector, such as http://127.0.0.1:4318.
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
}

impl ExportFlags {
    /// The flags that were given, as values of settings.
    pub fn values(&self) -> Vec<FlagValue> {
        [
            ("export.prometheus", "--prometheus", &self.prometheus),
            ("export.otlp.endpoint", "--otlp", &self.otlp),
        ]
        .into_iter()
        .filter_map(|(path, flag, text)| {
            Some(FlagValue { path: path.to_owned(), flag: flag.to_owned(), text: text.clone()? })
        })
        .collect()
    }
}
