//! Tokens: 256 random bits, of which only the SHA-256 is kept.

use super::Social;
use crate::model::viewer::TokenHash;
use crate::model::{Error, EventKind, Key, Micros, NewEvent, Result, UserId, Viewer};
use crate::store::session::Session;
use crate::store::tx::Tx;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// A new token, to be shown once.
#[derive(Clone, Debug)]
pub struct Token {
    /// What the client sends.
    pub secret: String,
    hash: TokenHash,
}

impl Token {
    /// Draws a token.
    #[must_use]
    pub fn draw() -> Self {
        let secret = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let hash = hash(&secret);
        Self { secret, hash }
    }
}

/// What is kept of a token.
#[must_use]
pub fn hash(secret: &str) -> TokenHash {
    Sha256::digest(secret.as_bytes()).into()
}

/// What a log-in answers.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What the client sends from now on.
    pub token: String,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// Whom it lets in.
    pub user: UserId,
}

impl Social {
    /// Who a token is.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for a token that is unknown or has run out, or is a banned user's.
    pub async fn authenticate(&self, secret: &str) -> Result<Viewer> {
        let refused = || Error::Unauthenticated("the token is unknown or has expired");
        let hash = hash(secret);
        let session = self.store.session(hash).await?.ok_or_else(refused)?;
        let now = self.store.clock().now();
        if session.expires_at.is_some_and(|end| end <= now) {
            return Err(refused());
        }
        match (session.user, &session.service) {
            (Some(id), _) => {
                let users = self.store.users([id]).await?;
                let known = users.get(&id).is_some_and(|user| !user.is_banned);
                known.then_some(Viewer::User { id, session: hash }).ok_or_else(refused)
            }
            (None, Some(name)) => Ok(Viewer::Service {
                name: name.clone(),
                session: hash,
            }),
            (None, None) => Err(refused()),
        }
    }

    /// When a viewer's token ends by itself, as long as it has not ended yet.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when it has ended.
    pub async fn session_end(&self, hash: TokenHash) -> Result<Option<Micros>> {
        let session = self.store.session(hash).await?;
        let session = session.ok_or(Error::Unauthenticated("the session has ended"))?;
        Ok(session.expires_at)
    }

    /// Opens a session for a user, within a transaction.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub(super) async fn grant(&self, tx: &Tx, user: UserId) -> Result<Grant> {
        let token = Token::draw();
        let expires_at = tx.now().after(self.rules.session_lifetime);
        let session = Session {
            user: Some(user),
            service: None,
            expires_at: Some(expires_at),
        };
        tx.insert_session(token.hash, session).await?;
        Ok(Grant {
            token: token.secret,
            expires_at,
            user,
        })
    }

    /// Makes tokens for users, in their order: for the command line.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `username` when a user does not exist, or is banned.
    pub async fn issue_tokens(&self, usernames: Vec<String>) -> Result<Vec<String>> {
        let social = self.clone();
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let mut tokens = Vec::with_capacity(usernames.len());
                    for name in &usernames {
                        let id = tx.user_id(name).await?;
                        let Some(id) = id else {
                            return Err(Error::invalid("username", format!("there is no user {name}")));
                        };
                        let Some(user) = tx.user(id).await? else {
                            return Err(Error::invalid("username", format!("there is no user {name}")));
                        };
                        if user.is_banned {
                            return Err(Error::invalid("username", format!("{name} is banned")));
                        }
                        tokens.push(social.grant(tx, id).await?.token);
                    }
                    Ok(tokens)
                })
            })
            .await
    }

    /// Makes a token for a service, which names any actor and does not end by itself.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn issue_service_token(&self, name: String) -> Result<String> {
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let token = Token::draw();
                    let session = Session {
                        user: None,
                        service: Some(name),
                        expires_at: None,
                    };
                    tx.insert_session(token.hash, session).await?;
                    Ok(token.secret)
                })
            })
            .await
    }
}

/// Says that sessions have ended.
pub(super) fn ended(tx: &Tx, sessions: Vec<TokenHash>) {
    if sessions.is_empty() {
        return;
    }
    let mut event = NewEvent::new(EventKind::Session);
    event.keys = sessions.into_iter().map(Key::Session).collect();
    tx.emit(event);
}
