//! Users who stand in for outside accounts of which nothing but a handle is known.

use super::{account, follow, wall};
use crate::model::{Result, UserId};
use crate::store::tx::Tx;

/// Puts the user who an account turned out to be in the place of the one who stood in for it: in
/// the rules of walls, and for those who follow it. Who stood in and has nothing of their own goes.
pub(crate) async fn replace(tx: &Tx, stand_in: UserId, user: UserId) -> Result<()> {
    wall::name_instead(tx, stand_in, user).await?;
    let old = tx.user(stand_in).await?;
    if old.is_some_and(|old| old.tweet_count == 0) {
        follow::hand_over(tx, stand_in, user).await?;
        account::hide(tx, stand_in).await?;
    }
    Ok(())
}
