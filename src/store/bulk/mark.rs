//! Many marks at once: which groups of notifications are seen and read.

use crate::model::{Entity, Micros, Result, UserId};
use crate::store::notification::{UNREAD, UNSEEN};
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use serde::Serialize;

/// A group as it was when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Whose.
    pub user: UserId,
    /// The verb of its actions.
    pub verb: String,
    /// What they were done to.
    pub object: Option<Entity>,
    /// The time of the newest.
    pub newest_at: Micros,
    /// How many there were.
    pub action_count: i64,
    /// Whether it was read too.
    pub is_read: bool,
}

#[derive(Serialize)]
struct Row<'m>(UserId, &'m str, String, i64, Micros, i64, bool);

impl Mark {
    fn row(&self) -> Row<'_> {
        let object = self.object.as_ref().map(Entity::to_string).unwrap_or_default();
        let day = crate::model::feed::day_of(self.newest_at.0);
        Row(
            self.user,
            &self.verb,
            object,
            day,
            self.newest_at,
            self.action_count,
            self.is_read,
        )
    }
}

/// Groups `g` with the states `s` of their users, where nothing has come in since they were
/// marked.
const MARKED: &str = "{each} JOIN notification_state s ON s.user_id = {int:0} JOIN notification_group g \
    ON g.user_id = {int:0} AND g.verb = {text:1} AND g.object = {text:2} AND g.day = {int:3} \
    WHERE g.newest_at = {int:4} AND g.action_count <= {int:5}";

impl Tx {
    /// The marks that change anything: those of groups that are there, are not marked so yet, and
    /// have nothing newer.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn open_marks(&self, marks: &[Mark]) -> Result<Vec<Mark>> {
        let rows: Vec<Row> = marks.iter().map(Mark::row).collect();
        let sql = format!("SELECT k.key FROM {MARKED} AND (({UNSEEN}) OR ({UNREAD} AND {{bool:6}}))");
        let places = super::places(&self.rows(&sql, [json(&rows)]).await?)?;
        let marks = marks.iter().enumerate();
        Ok(marks
            .filter(|(place, _)| places.contains(place))
            .map(|(_, mark)| mark.clone())
            .collect())
    }
}

impl Script {
    /// Marks groups as seen and read; each only once.
    pub fn mark(&mut self, marks: &[Mark]) {
        let rows: Vec<Row> = marks.iter().map(Mark::row).collect();
        self.each(
            format!(
                "UPDATE notification_state SET unseen_count = unseen_count - d.unseen, \
                 unread_count = unread_count - d.unread FROM (SELECT s.user_id, \
                 SUM(CASE WHEN {UNSEEN} AND NOT g.hidden THEN 1 ELSE 0 END) AS unseen, \
                 SUM(CASE WHEN {UNREAD} AND {{bool:6}} AND NOT g.hidden THEN 1 ELSE 0 END) AS unread \
                 FROM {MARKED} GROUP BY s.user_id) d WHERE notification_state.user_id = d.user_id"
            ),
            &rows,
        );
        self.each(
            format!(
                "UPDATE notification_group SET seen = version, read = CASE WHEN d.is_read THEN version ELSE read END \
                 FROM (SELECT g.id, {{bool:6}} AS is_read FROM {MARKED}) d WHERE notification_group.id = d.id"
            ),
            &rows,
        );
    }
}
