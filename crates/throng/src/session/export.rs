//! The run's figures for Prometheus and for a collector. What goes wrong there is told and ends nothing.

use super::prepare::Prepared;
use super::stop::Stops;
use crate::exit::InputError;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use throng_engine::{Desired, Level, LogLine, Phase};
use throng_export::{ExportError, Exporters, Moment, Reading};
use throng_metrics::{Ledger, RunEnd};

/// How often it is looked whether the last push and scrape are through.
const BEAT: Duration = Duration::from_millis(20);

/// The exporters of a run, if it has any.
pub(super) struct Exports {
    exporters: Option<Exporters>,
    project: Arc<str>,
    target: Arc<str>,
    begun: SystemTime,
    linger: Duration,
}

impl Exports {
    /// Listens, and says where.
    ///
    /// # Errors
    /// The address cannot be listened on: better no run than one that nobody sees.
    pub(super) fn open(prepared: &Prepared) -> anyhow::Result<Exports> {
        let settings = &prepared.export.exporters;
        let wanted = settings.prometheus.is_some() || settings.otlp.is_some();
        let exporters = wanted.then(|| Exporters::start(settings.clone())).transpose().map_err(refused)?;
        if let Some(address) = exporters.as_ref().and_then(Exporters::address) {
            eprintln!("Prometheus scrapes http://{address}/metrics");
        }
        Ok(Exports {
            exporters,
            project: prepared.name.as_str().into(),
            target: prepared.project.host.as_str().into(),
            begun: SystemTime::now(),
            linger: prepared.export.linger,
        })
    }

    /// The first robots begin.
    pub(super) fn begin(&mut self) {
        self.begun = SystemTime::now();
    }

    /// Gives the run's figures to whoever has asked.
    pub(super) fn serve(&mut self, ledger: &Ledger, desired: &Desired, phase: &str, elapsed: Duration) {
        let Some(mut exporters) = self.exporters.take() else { return };
        exporters.serve(|| self.reading(ledger, desired, phase, elapsed));
        self.exporters = Some(exporters);
    }

    /// A second was closed; gives what the user should know.
    pub(super) fn second(&mut self, at: Duration) -> Vec<LogLine> {
        let Some(exporters) = &mut self.exporters else { return Vec::new() };
        exporters.second();
        let line = |trouble| LogLine {
            at,
            robot: None,
            level: Level::Warn,
            module: String::new(),
            text: format!("a push to the collector failed, and the run goes on: {trouble}"),
        };
        exporters.trouble().map(line).into_iter().collect()
    }

    /// These are the run's last figures.
    pub(super) fn end(&mut self, ledger: &Ledger, desired: &Desired, took: Duration) {
        let reading =
            self.exporters.is_some().then(|| self.reading(ledger, desired, desired.phase_at(took), took));
        if let (Some(exporters), Some(reading)) = (&mut self.exporters, reading) {
            exporters.end(reading);
        }
    }

    /// Waits for the last push, and for the last scrape of whoever has scraped before; the user can end both.
    pub(super) fn close(self, end: &RunEnd, stops: &Stops) {
        let Some(exporters) = self.exporters else { return };
        // Who has interrupted a run wants it to be over.
        let linger = if matches!(end, RunEnd::Interrupted) { Duration::ZERO } else { self.linger };
        let begun = Instant::now();
        let is_due = || exporters.is_scrape_due() && begun.elapsed() < linger;
        if is_due() {
            eprintln!("waiting up to {} s for the last scrape; Ctrl-C ends that", linger.as_secs_f64());
        }
        while (exporters.is_pushing() || is_due()) && stops.asked() == 0 {
            thread::sleep(BEAT);
        }
        let pushes = exporters.pushes();
        if pushes.failed > 0 {
            let all = pushes.failed + pushes.arrived;
            let why = exporters.trouble().map_or(String::new(), |why| format!(": {why}"));
            eprintln!("warning: {} of {all} pushes to the collector failed{why}", pushes.failed);
        }
    }

    fn reading(&self, ledger: &Ledger, desired: &Desired, phase: &str, elapsed: Duration) -> Reading {
        // Arrivals are no number of robots.
        let counted = desired.phase == Phase::Play && desired.schedule.arrivals_at(elapsed).is_none();
        let moment = Moment {
            project: Arc::clone(&self.project),
            target: Arc::clone(&self.target),
            begun: self.begun,
            elapsed,
            phase: phase.into(),
            wanted: counted.then(|| desired.schedule.robots_at(elapsed)),
        };
        Reading::of(ledger, &moment)
    }
}

fn refused(error: ExportError) -> anyhow::Error {
    match &error {
        ExportError::Listen { why, .. } => InputError(format!("{error}: {why}")).into(),
        ExportError::Thread(_) => anyhow::Error::new(error),
    }
}
