//! What becomes of a frame that many share, for a viewer who hides somebody.

use crate::delivery::frame::Shown;
use crate::model::Hides;

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
