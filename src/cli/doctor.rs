//! `linnet doctor`: looks whether everything is as a server needs it, and says what to do.

mod database;
mod machine;
mod network;
mod settings;

use super::Failure;
use crate::config::{BrokerUrl, Config, DatabaseUrl};
use crate::model::finding::{Finding, Verdict};
use crate::store::condition::postgres;
use std::process::ExitCode;

pub(super) use network::{Readiness, readiness};

pub(super) fn run(config: Config) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let worst = runtime.block_on(examine(&config));
    // A database that is still being looked through must not hold up the end.
    runtime.shutdown_background();
    Ok(match worst? {
        Verdict::Failed => ExitCode::FAILURE,
        Verdict::Ok | Verdict::Warning => ExitCode::SUCCESS,
    })
}

/// Looks at one thing after the other, and prints each.
async fn examine(config: &Config) -> Result<Verdict, Failure> {
    let mut report = Report(Verdict::Ok);
    report.add(settings::examine(config))?;
    report.add(machine::examine(config))?;
    let is_served = match &config.database_url {
        DatabaseUrl::Sqlite(path) => {
            report.add(database::sqlite(path).await)?;
            database::is_served(path)
        }
        DatabaseUrl::Postgres(url) => {
            report.add(postgres::examine(url.as_str()).await)?;
            false
        }
    };
    report.add([network::server(config.listen, is_served).await])?;
    report.add(match &config.broker_url {
        BrokerUrl::Memory => [Finding::ok("broker", "none is needed for a single node")],
        BrokerUrl::Nats(servers) => [network::broker(servers).await],
    })?;
    if let Some(traces) = &config.trace {
        report.add([network::collector(&traces.endpoint).await])?;
    }
    Ok(report.0)
}

/// What was told, by its worst.
struct Report(Verdict);

impl Report {
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Failure> {
        for finding in findings {
            self.0 = self.0.max(finding.verdict);
            super::print(&finding.to_string())?;
        }
        Ok(())
    }
}
