//! What moderators did, and the operator by commands: noted with what it did, and never changed.

use super::list::{Lateral, Stretch, owner, sort};
use super::snapshot::Snapshot;
use super::tx::Tx;
use crate::model::{Place, Result, UserId};

/// What was done, as it is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moderation {
    /// What: `ban`, `unban`, `promote`, `setPassword`, `putWall` or `deleteWall`.
    pub act: &'static str,
    /// To what.
    pub to: Target,
    /// Who did; none: the operator.
    pub moderator: Option<UserId>,
    /// Why.
    pub reason: Option<String>,
}

/// What moderators do something to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A user.
    User(UserId),
    /// The wall of a slug.
    Wall(String),
}

impl Target {
    fn columns(&self) -> (Option<i64>, Option<&str>) {
        match self {
            Self::User(id) => (Some(id.0), None),
            Self::Wall(slug) => (None, Some(slug)),
        }
    }
}

/// What was done, as the trail tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When, and which of that moment.
    pub place: Place,
    /// What: one of those of [`Moderation`], or what an import brought.
    pub act: String,
    /// To which user.
    pub user: Option<UserId>,
    /// To the wall of which slug.
    pub wall: Option<String>,
    /// Who did; none: the operator.
    pub moderator: Option<UserId>,
    /// Why.
    pub reason: Option<String>,
}

impl Tx {
    /// Notes what a moderator did.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn note_moderation(&self, noted: &Moderation) -> Result<()> {
        let sql =
            "INSERT INTO moderation (act, user_id, wall, moderator_id, reason, created_at) VALUES (?, ?, ?, ?, ?, ?)";
        let (user, wall) = noted.to.columns();
        let values = [
            noted.act.into(),
            user.into(),
            wall.into(),
            noted.moderator.map(|id| id.0).into(),
            noted.reason.clone().into(),
            self.now().0.into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }
}

type Row = (
    i64,
    i64,
    String,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<String>,
);

impl Snapshot {
    /// A stretch of what was done, to everybody and everything or to one user.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn moderation(&self, to: Option<UserId>, stretch: Stretch) -> Result<Vec<Act>> {
        let query = Lateral {
            table: "moderation",
            owner: match to {
                Some(_) => "~.user_id = {int:0}",
                None => "TRUE",
            },
            id: "id",
            columns: &["act", "user_id", "wall", "moderator_id", "reason"],
            chosen: "x.act, x.user_id, x.wall, x.moderator_id, x.reason",
        };
        let owners = [owner(stretch.below, stretch.above, to.map(|id| id.0.into()))];
        let read = self
            .lateral::<Row>(&query, &owners, stretch.newest_first, stretch.limit)
            .await?;
        let acts = read.into_iter().flat_map(|(_, rows)| rows).map(Act::from);
        let mut found = [acts.collect::<Vec<_>>()];
        sort(&mut found, stretch.newest_first, |act| act.place);
        let [found] = found;
        Ok(found)
    }
}

impl From<Row> for Act {
    fn from((at, id, act, user, wall, moderator, reason): Row) -> Self {
        Self {
            place: Place { at, id },
            act,
            user: user.map(UserId),
            wall,
            moderator: moderator.map(UserId),
            reason,
        }
    }
}
