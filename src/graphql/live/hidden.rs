//! Whom viewers hide, and what that makes of a frame that many share.

use crate::delivery::frame::Shown;
use crate::model::{Result, UserId};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::collections::HashSet;
use std::sync::Arc;

/// Whom a viewer does not want to see.
#[derive(Clone, Debug, Default)]
pub struct Hides {
    /// The viewer sees nothing of them.
    pub blocked: HashSet<UserId>,
    /// What they do is left out; within what others do they may appear.
    pub muted: HashSet<UserId>,
}

/// Tells whom viewers hide. Asked for each event of a stream, so it answers from memory mostly.
pub trait Hidden: Send + Sync {
    /// Whether memory knows that a viewer hides nobody.
    fn is_nobody(&self, viewer: UserId) -> bool;

    /// Whom a viewer hides.
    fn of(&self, viewer: UserId) -> BoxFuture<'static, Result<Arc<Hides>>>;
}

/// Nobody hides anybody.
pub struct Nobody;

impl Hidden for Nobody {
    fn is_nobody(&self, _: UserId) -> bool {
        true
    }

    fn of(&self, _: UserId) -> BoxFuture<'static, Result<Arc<Hides>>> {
        std::future::ready(Ok(Arc::default())).boxed()
    }
}

/// What a viewer gets of a frame that many share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// The frame.
    All,
    /// The event, from an execution of the viewer's own.
    Own,
    /// Nothing.
    None,
}

impl Hides {
    /// What becomes of a frame that shows these.
    pub(super) fn share(&self, shown: &Shown) -> Share {
        if shown
            .by
            .iter()
            .any(|user| self.blocked.contains(user) || self.muted.contains(user))
        {
            return Share::None;
        }
        match shown.users.iter().any(|user| self.blocked.contains(user)) {
            true => Share::Own,
            false => Share::All,
        }
    }
}
