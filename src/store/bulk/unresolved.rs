//! References of imported rows to what has not come yet.

use super::tweet::Identity;
use crate::model::Result;
use crate::store::entity::{columns, unresolved};
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use sea_orm::FromQueryResult;
use std::collections::HashSet;

/// What refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A tweet that answers another.
    Reply,
    /// A tweet that names a user.
    Mention,
    /// A user's like of a tweet.
    Like,
    /// A user's retweet of a tweet.
    Retweet,
}

impl Reference {
    fn kind(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Mention => "mention",
            Self::Like => "like",
            Self::Retweet => "retweet",
        }
    }
}

/// A reference that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// What refers.
    pub reference: Reference,
    /// The tweet that refers, or the user who does.
    pub holder: i64,
    /// To what: an outside identifier, or a username's key.
    pub wanted: Identity,
    /// Of a retweet, its own identity.
    pub own: Identity,
    /// What it takes to make it when the other has come.
    pub body: String,
}

impl Unresolved {
    fn from_row(reference: Reference, row: unresolved::Model) -> Self {
        Self {
            reference,
            holder: row.holder,
            wanted: Identity {
                id: row.wanted,
                source: row.wanted_source,
            },
            own: Identity {
                id: row.external_id,
                source: row.source,
            },
            body: row.body,
        }
    }

    fn key(&self) -> (&'static str, i64, &str, &str, &str, &str) {
        (
            self.reference.kind(),
            self.holder,
            &self.wanted.id,
            &self.wanted.source,
            &self.own.id,
            &self.own.source,
        )
    }
}

impl Tx {
    /// Keeps references until they can be resolved. Returns how many were not kept yet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_unresolved(&self, references: &[Unresolved]) -> Result<u64> {
        if references.is_empty() {
            return Ok(0);
        }
        self.execute(INSERT, [json(&rows(references))]).await
    }

    /// The references of a kind that follow one, in a fixed order.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn unresolved_after(
        &self,
        reference: Reference,
        after: Option<&Unresolved>,
        limit: usize,
    ) -> Result<Vec<Unresolved>> {
        let sql = format!(
            "SELECT {} FROM unresolved u WHERE kind = ? \
             AND (holder, wanted, wanted_source, external_id, source) > (?, ?, ?, ?, ?) \
             ORDER BY holder, wanted, wanted_source, external_id, source LIMIT ?",
            columns::<unresolved::Entity>("u")
        );
        let (_, holder, wanted, wanted_source, id, source) =
            after.map_or(("", i64::MIN, "", "", "", ""), Unresolved::key);
        let values = [
            reference.kind().into(),
            holder.into(),
            wanted.into(),
            wanted_source.into(),
            id.into(),
            source.into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        let rows = self.rows(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let row = unresolved::Model::from_query_result(row, "")?;
                Ok(Unresolved::from_row(reference, row))
            })
            .collect()
    }

    /// Which of these references are to retweets that wait themselves, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn waiting_retweets(&self, wanted: &[&Identity]) -> Result<HashSet<usize>> {
        let sql = "SELECT k.key FROM {each} JOIN unresolved w ON w.external_id = {text:0} AND w.source = {text:1} \
                   AND w.kind = 'retweet'";
        let keys: Vec<_> = wanted.iter().map(|one| (&one.id, &one.source)).collect();
        super::places(&self.rows(sql, [json(&keys)]).await?)
    }
}

const INSERT: &str = "INSERT INTO unresolved (kind, holder, wanted, wanted_source, external_id, source, body) \
    SELECT {text:0}, {int:1}, {text:2}, {text:3}, {text:4}, {text:5}, {text:6} FROM {each} \
    WHERE TRUE ON CONFLICT DO NOTHING";

type Row<'r> = (&'static str, i64, &'r str, &'r str, &'r str, &'r str, &'r str);

fn rows(references: &[Unresolved]) -> Vec<Row<'_>> {
    references
        .iter()
        .map(|one| {
            let (kind, holder, wanted, wanted_source, id, source) = one.key();
            (kind, holder, wanted, wanted_source, id, source, one.body.as_str())
        })
        .collect()
}

impl Script {
    /// Keeps references until they can be resolved.
    pub fn insert_unresolved(&mut self, references: &[Unresolved]) {
        self.each(INSERT, &rows(references));
    }

    /// Forgets references.
    pub fn delete_unresolved(&mut self, references: &[Unresolved]) {
        let keys: Vec<_> = references.iter().map(Unresolved::key).collect();
        self.each(
            "DELETE FROM unresolved WHERE (kind, holder, wanted, wanted_source, external_id, source) IN \
             (SELECT {text:0}, {int:1}, {text:2}, {text:3}, {text:4}, {text:5} FROM {each})",
            &keys,
        );
    }
}
