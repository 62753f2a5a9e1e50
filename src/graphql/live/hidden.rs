//! Whom viewers hide, and what that makes of a frame that many share.

use crate::delivery::frame::Shown;
use crate::model::{Hides, Result, UserId};
use crate::store::Store;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// Tells whom viewers hide. Asked for each event of a stream, so it answers from memory mostly.
pub trait Hidden: Send + Sync {
    /// Whether memory knows that a viewer hides nobody.
    fn is_nobody(&self, viewer: UserId) -> bool;

    /// Whom a viewer hides.
    fn of(&self, viewer: UserId) -> BoxFuture<'static, Result<Arc<Hides>>>;
}

impl Hidden for Store {
    fn is_nobody(&self, viewer: UserId) -> bool {
        self.cached_hides(viewer).is_some_and(|hides| hides.is_empty())
    }

    fn of(&self, viewer: UserId) -> BoxFuture<'static, Result<Arc<Hides>>> {
        let store = self.clone();
        async move { store.hides(viewer).await }.boxed()
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

/// What becomes of a frame that shows these, for somebody who hides those.
pub(super) fn share(hides: &Hides, shown: &Shown) -> Share {
    if shown.by.iter().any(|user| hides.leaves_out(*user)) {
        return Share::None;
    }
    match shown.users.iter().any(|user| hides.blocked.contains(user)) {
        true => Share::Own,
        false => Share::All,
    }
}
