//! Several nodes on one PostgreSQL.

use std::sync::Arc;

use serde_json::Value;

use super::request::{body, send};
use super::{Database, Linnet, postgres, until};

/// Nodes of one installation.
pub struct Cluster {
    pub nodes: Vec<Linnet>,
}

impl Cluster {
    /// Starts so many nodes on a fresh database with these options. None where there is no PostgreSQL.
    pub async fn start(nodes: usize, options: &[&str]) -> Option<Self> {
        if !postgres::is_there() {
            return None;
        }
        let database = Arc::new(Database::Postgres(postgres::Database::new()));
        Some(Self::at(database, nodes, options).await)
    }

    /// Starts so many nodes on a database.
    pub async fn at(database: Arc<Database>, nodes: usize, options: &[&str]) -> Self {
        let mut all = Vec::with_capacity(nodes);
        for _ in 0..nodes {
            all.push(Linnet::at(Arc::clone(&database), options).await);
        }
        Self { nodes: all }
    }

    /// A node, counted round and round.
    pub fn node(&self, number: usize) -> &Linnet {
        &self.nodes[number % self.nodes.len()]
    }

    /// Waits until all nodes have the same events.
    pub async fn agree(&self) {
        agree(&self.nodes.iter().collect::<Vec<_>>()).await;
    }
}

/// Waits until nodes have the same events.
pub async fn agree(nodes: &[&Linnet]) {
    until("all nodes to agree", || async {
        let mut cursors = Vec::new();
        for node in nodes {
            cursors.push(node.anybody().cursor().await);
        }
        cursors.windows(2).all(|two| two[0] == two[1])
    })
    .await;
}

impl Linnet {
    /// What `/readyz` says: the status, and of each part its state.
    pub async fn readiness(&self) -> (u16, Value) {
        let answer = send(self.get("/readyz")).await;
        (answer.status().as_u16(), body(answer).await["parts"].take())
    }

    /// Waits until `/readyz` says this of a part, with this status.
    pub async fn until_ready_is(&self, part: &str, state: &str, status: u16) {
        until(&format!("{part} to be {state}"), || async {
            let (answered, parts) = self.readiness().await;
            answered == status && parts[part] == state
        })
        .await;
    }
}
