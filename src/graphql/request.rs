//! What a request's resolvers share.

use super::limit::Account;
use super::loader::Loaders;
use crate::broker::Memory;
use crate::model::{Position, Viewer};
use crate::social::Social;
use crate::store::Store;
use async_graphql::Context;
use parking_lot::RwLock;
use std::sync::Arc;

/// Who asks, and of what. Cheap to clone.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    social: Social,
    broker: Memory,
    viewer: Viewer,
}

impl Scope {
    pub(super) fn new(social: Social, broker: Memory, viewer: Viewer) -> Self {
        Self(Arc::new(Inner { social, broker, viewer }))
    }

    /// The rules.
    #[must_use]
    pub fn social(&self) -> &Social {
        &self.0.social
    }

    /// What is read.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.0.social.store()
    }

    /// What tells of news.
    #[must_use]
    pub fn broker(&self) -> &Memory {
        &self.0.broker
    }

    /// Who asks.
    #[must_use]
    pub fn viewer(&self) -> &Viewer {
        &self.0.viewer
    }
}

/// What an operation is executed with.
pub struct Request {
    scope: Scope,
    loaders: RwLock<Arc<Loaders>>,
    /// What the caller is charged.
    pub account: Account,
    /// The position that everything read in the operation has at least reached.
    pub position: Position,
}

impl Request {
    pub(super) fn new(scope: Scope, account: Account) -> Self {
        let position = scope.store().log().position();
        Self {
            loaders: RwLock::new(Arc::new(Loaders::new(&scope))),
            scope,
            account,
            position,
        }
    }

    /// Begins anew for the next event of a stream.
    pub fn renew(&self) {
        *self.loaders.write() = Arc::new(Loaders::new(&self.scope));
    }
}

/// What resolvers ask their context for.
pub trait Ask {
    /// The operation's request.
    fn request(&self) -> &Request;

    /// Who asks, and of what.
    fn scope(&self) -> &Scope {
        &self.request().scope
    }

    /// The batched look-ups.
    fn load(&self) -> Arc<Loaders> {
        Arc::clone(&self.request().loaders.read())
    }

    /// The rules.
    fn social(&self) -> &Social {
        self.scope().social()
    }

    /// Who asks.
    fn viewer(&self) -> &Viewer {
        self.scope().viewer()
    }
}

impl Ask for Context<'_> {
    fn request(&self) -> &Request {
        self.data_unchecked::<Arc<Request>>()
    }
}
