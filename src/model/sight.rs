//! What somebody may see: the one place that says it.

use super::{Hides, User, UserId};
use std::sync::Arc;

/// Who looks, and what that hides from them. Cheap to clone. The default is a stranger without an
/// account.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    viewer: Option<UserId>,
    sees_banned: bool,
    hides: Arc<Hides>,
}

impl Sight {
    /// Somebody who looks, with whom they hide.
    #[must_use]
    pub fn new(viewer: &User, hides: Arc<Hides>) -> Self {
        Self {
            viewer: Some(viewer.id),
            sees_banned: viewer.is_moderator && !viewer.is_banned,
            hides,
        }
    }

    /// Who looks, if it is a user.
    #[must_use]
    pub fn viewer(&self) -> Option<UserId> {
        self.viewer
    }

    /// Whether bans hide nobody.
    #[must_use]
    pub fn sees_banned(&self) -> bool {
        self.sees_banned
    }

    /// Whom the viewer hides.
    #[must_use]
    pub fn hides(&self) -> &Hides {
        &self.hides
    }

    /// Whether a user, and with them all that they wrote and did, may be seen at all.
    #[must_use]
    pub fn shows(&self, user: &User) -> bool {
        (self.sees_banned || !user.is_banned) && !self.hides.blocked.contains(&user.id)
    }

    /// The same without what the viewer hides: for lists of just those.
    #[must_use]
    pub fn of_all(&self) -> Self {
        Self {
            hides: Arc::default(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;
    use std::collections::HashSet;

    fn user(id: i64, is_moderator: bool, is_banned: bool) -> User {
        User {
            id: UserId(id),
            username: String::new(),
            display_name: String::new(),
            bio: String::new(),
            avatar_url: None,
            handle: None,
            url: None,
            is_moderator,
            is_banned,
            created_at: Micros(0),
            tweet_count: 0,
            follower_count: 0,
            following_count: 0,
        }
    }

    #[test]
    fn a_ban_hides_from_all_but_moderators_and_a_block_from_the_one_who_blocks() {
        let (plain, banned, blocked) = (user(1, false, false), user(2, false, true), user(3, false, false));
        let hides = Arc::new(Hides {
            blocked: HashSet::from([blocked.id]),
            muted: HashSet::from([plain.id]),
        });
        let seen = |sight: &Sight| [&plain, &banned, &blocked].map(|user| sight.shows(user));
        assert_eq!(seen(&Sight::default()), [true, false, true]);
        assert_eq!(
            seen(&Sight::new(&user(4, false, false), Arc::clone(&hides))),
            [true, false, false]
        );
        let moderator = Sight::new(&user(5, true, false), Arc::clone(&hides));
        assert_eq!(seen(&moderator), [true, true, false]);
        assert_eq!(seen(&moderator.of_all()), [true, true, true]);
        assert_eq!(seen(&Sight::new(&user(6, true, true), hides)), [true, false, false]);
    }
}
