//! Blocks and mutes: what users make of one another.

use super::UserId;
use std::collections::HashSet;

/// What one user makes of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Sees nothing of them, and neither can follow, mention or answer the other.
    Block,
    /// Leaves out what they do.
    Mute,
}

impl Relation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Block, Self::Mute];
}

/// Whom a viewer does not want to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hides {
    /// The viewer sees nothing of them.
    pub blocked: HashSet<UserId>,
    /// What they do is left out; within what others do they may appear.
    pub muted: HashSet<UserId>,
}

impl Hides {
    /// Whether nobody is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocked.is_empty() && self.muted.is_empty()
    }

    /// Whether somebody stands in a relation.
    #[must_use]
    pub fn has(&self, relation: Relation, user: UserId) -> bool {
        match relation {
            Relation::Block => self.blocked.contains(&user),
            Relation::Mute => self.muted.contains(&user),
        }
    }

    /// Whether what somebody does is left out, one way or the other.
    #[must_use]
    pub fn leaves_out(&self, user: UserId) -> bool {
        self.blocked.contains(&user) || self.muted.contains(&user)
    }
}
