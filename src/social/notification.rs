//! Marking notifications as seen and read.

use super::{Social, acting};
use crate::model::id::GlobalId;
use crate::model::{Error, FeedGroup, GroupKey, Result, UserId, Viewer};
use crate::store::mark::Mark;

impl Social {
    /// Marks the viewer's notification groups with what they hold by now; all of them without
    /// `ids`, which are global ids as the client wrote them. Reading implies seeing.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one of the groups is none of the viewer's; then nothing is marked.
    pub async fn mark(&self, viewer: &Viewer, mark: Mark, ids: Option<Vec<String>>) -> Result<UserId> {
        let user = viewer.require_user()?;
        let keys = ids.map(|ids| keys(user, &ids)).transpose()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, user).await?;
                    let Some(keys) = keys else {
                        tx.mark_all(user, mark).await?;
                        return Ok(user);
                    };
                    let rows = tx.notice_groups_shown(user, &keys).await?;
                    if !keys.iter().all(|key| rows.contains_key(key)) {
                        return Err(Error::NotFound("group"));
                    }
                    let rows: Vec<i64> = rows.into_values().collect();
                    tx.mark(user, &rows, mark).await?;
                    Ok(user)
                })
            })
            .await
    }
}

/// The groups that ids name, as far as they can be a user's.
fn keys(user: UserId, ids: &[String]) -> Result<Vec<GroupKey>> {
    let key = |id: &String| match GlobalId::parse(id) {
        Some(GlobalId::Group(id)) if id.feed == FeedGroup::Notification && id.owner == user.to_string() => Some(id.key),
        _ => None,
    };
    ids.iter().map(|id| key(id).ok_or(Error::NotFound("group"))).collect()
}
