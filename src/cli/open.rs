//! Opens the data for a command.

use super::Failure;
use crate::config::{DatabaseFlags, SessionFlags};
use crate::metrics::Metrics;
use crate::social::{Rules, Social};
use crate::store::{Options, Store};

/// What a command that is no server keeps in memory, in bytes.
const MEMORY: usize = 16 << 20;

pub(super) async fn store(database: &DatabaseFlags) -> Result<Store, Failure> {
    let options = Options {
        database: database.database_url.clone(),
        memory: MEMORY,
    };
    Ok(Store::open(&options, &Metrics::default()).await?)
}

pub(super) async fn social(database: &DatabaseFlags, session: &SessionFlags) -> Result<Social, Failure> {
    let rules = Rules {
        session_lifetime: session.session_lifetime,
        ..Rules::default()
    };
    Ok(Social::new(store(database).await?, rules))
}
