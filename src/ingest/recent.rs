//! What sources told of late of items that may not be stored. It holds for what comes behind it: frames come in
//! another order than things happened, and twice.

use super::news::{Item, Post};
use std::collections::{HashMap, VecDeque};

/// How many deletions are remembered.
const GONE: usize = 65_536;
/// How many edits are remembered that nobody wanted.
const EDITED: usize = 2_048;

/// The deletions of late, and the edits of posts that nobody wanted as they became.
#[derive(Debug, Default)]
pub(super) struct Recent {
    gone: Newest<()>,
    edited: Newest<Post>,
}

impl Recent {
    /// Whether an item is gone.
    pub(super) fn is_gone(&self, item: &Item) -> bool {
        self.gone.values.contains_key(item)
    }

    /// Remembers that an item is gone.
    pub(super) fn end(&mut self, item: &Item) {
        self.edited.values.remove(item);
        self.gone.insert(item, (), GONE);
    }

    /// Forgets what an account wrote.
    pub(super) fn end_account(&mut self, profile: &str) {
        self.edited.values.retain(|_, post| post.author.url != profile);
    }

    /// A post as it is by the newest version that was told.
    pub(super) fn newest(&self, mut post: Post) -> Post {
        if let Some(edited) = self.edited.values.get(&post.item) {
            merge(&mut post, edited.clone());
        }
        post
    }

    /// Remembers an edit that nobody wants.
    pub(super) fn note(&mut self, post: &Post) {
        self.edited.insert(&post.item, post.clone(), EDITED);
    }
}

/// Of two versions of a post the newer one stands. It is wanted if any of them was: the other
/// would have been stored by itself, and then edited.
pub(super) fn merge(post: &mut Post, other: Post) {
    let is_wanted = post.is_wanted || other.is_wanted;
    if other.version > post.version {
        *post = other;
    }
    post.is_wanted = is_wanted;
}

/// What was noted last of items, up to a number.
#[derive(Debug)]
struct Newest<V> {
    values: HashMap<Item, V>,
    /// As they came; those that were taken out stand here still.
    order: VecDeque<Item>,
}

impl<V> Default for Newest<V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<V> Newest<V> {
    fn insert(&mut self, item: &Item, value: V, most: usize) {
        if self.values.insert(item.clone(), value).is_some() {
            return;
        }
        self.order.push_back(item.clone());
        if self.order.len() > most
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}
