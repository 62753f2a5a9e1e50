//! Linnet's database schema: one file a step, applied in order by `linnet migrate`.
//!
//! The crate knows nothing of the server: a step must mean the same for ever.

mod dialect;
mod m20261121_000001_core;
mod m20261121_000002_moderation;
mod m20261121_000003_walls;
mod m20261121_000004_ingest;
mod m20261121_000005_nodes;
mod m20261121_000006_handles;
mod m20261121_000007_language;
mod m20261122_000008_moderation_log;
mod m20261122_000009_topic_newest;

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{MigrationTrait, async_trait};

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_core::Migration),
            Box::new(m20261121_000002_moderation::Migration),
            Box::new(m20261121_000003_walls::Migration),
            Box::new(m20261121_000004_ingest::Migration),
            Box::new(m20261121_000005_nodes::Migration),
            Box::new(m20261121_000006_handles::Migration),
            Box::new(m20261121_000007_language::Migration),
            Box::new(m20261122_000008_moderation_log::Migration),
            Box::new(m20261122_000009_topic_newest::Migration),
        ]
    }
}
