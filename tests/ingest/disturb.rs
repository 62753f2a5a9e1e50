//! What happens to frames between a source and whoever reads it.

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::fake::Frame;

/// How far a frame is moved at the most.
const FAR: usize = 6;

/// Frames as they come over bad lines, and what was done to them.
pub struct Disturbed {
    pub frames: Vec<Frame>,
    /// How many stand before one that the source sent earlier.
    pub moved: usize,
    /// How many come again.
    pub repeated: usize,
    /// How many are none.
    pub garbage: usize,
}

/// Moves some frames ahead of others, repeats some, and puts garbage between them. `about` says what a
/// frame is about: nothing comes before what the source said earlier of the same, and nothing passes
/// what is about nothing in particular. Repeats come at any time.
pub fn disturb(
    seed: &mut impl RngExt,
    frames: Vec<Frame>,
    garbage: &[Frame],
    about: impl Fn(&Frame) -> Option<String>,
) -> Disturbed {
    let mut moved = 0;
    let mut course: Vec<(Option<String>, Frame)> = Vec::new();
    for frame in frames {
        let of = about(&frame);
        let may_pass = |other: &Option<String>| of.is_some() && other.is_some() && *other != of;
        let far = course
            .iter()
            .rev()
            .take_while(|(other, _)| may_pass(other))
            .count()
            .min(FAR);
        let ahead = if seed.random_bool(0.3) {
            seed.random_range(0..=far)
        } else {
            0
        };
        moved += usize::from(ahead > 0);
        course.insert(course.len() - ahead, (of, frame));
    }
    let mut disturbed = Disturbed {
        frames: Vec::new(),
        moved,
        repeated: 0,
        garbage: 0,
    };
    for (_, frame) in course {
        if let Some(again) = disturbed.frames.choose(seed).cloned().filter(|_| seed.random_bool(0.2)) {
            // At the place where it comes again: a line that begins behind the first still has it.
            disturbed.frames.push((frame.0, again.1));
            disturbed.repeated += 1;
        }
        if seed.random_bool(0.1) {
            let (_, text) = garbage.choose(seed).unwrap().clone();
            disturbed.frames.push((frame.0, text));
            disturbed.garbage += 1;
        }
        disturbed.frames.push(frame);
    }
    disturbed
}

impl Disturbed {
    /// Checks that all of it has happened.
    pub fn is_bad(&self) -> bool {
        let least = self.frames.len() / 50 + 1;
        [self.moved, self.repeated, self.garbage]
            .iter()
            .all(|times| *times >= least)
    }
}
