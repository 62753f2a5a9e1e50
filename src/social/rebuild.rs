//! Making notifications anew when the rule changes by which they are made.

use super::Social;
use crate::model::action::FOLLOW;
use crate::model::{Action, Deed, Entity, EventKind, Key, NewEvent, Reaction, Result, Topic, Tweet, TweetId, UserId};
use crate::store::lease::{Lease, STAND_BY};
use crate::store::rebuild::{Due, Phase};
use crate::store::tx::Tx;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(10);

/// Rebuilds until all is made by today's rule, or cancelled.
///
/// # Errors
/// None: what fails is tried again.
pub async fn run(social: Social, stop: CancellationToken) -> Result<()> {
    let mut lease = social.store.lease("notifications");
    while !stop.is_cancelled() {
        let pause = match social.rebuild_once(&mut lease).await {
            Ok(Next::Step) => continue,
            Ok(Next::Nothing) => break,
            Ok(Next::StandBy) => STAND_BY,
            Err(error) => {
                tracing::warn!(?error, "notifications could not be made anew");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    lease.release().await;
    Ok(())
}

/// What is to be done next.
enum Next {
    /// Another step.
    Step,
    /// To wait: another process does it.
    StandBy,
    /// Nothing.
    Nothing,
}

impl Social {
    /// Makes notifications anew, if today's rule is not the one by which they were made.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn rebuild(&self) -> Result<()> {
        while self.rebuild_step().await? {}
        Ok(())
    }

    async fn rebuild_once(&self, lease: &mut Lease) -> Result<Next> {
        if !self.store.needs_rebuild().await? {
            return Ok(Next::Nothing);
        }
        if !lease.hold().await? {
            return Ok(Next::StandBy);
        }
        Ok(match self.rebuild_step().await? {
            true => Next::Step,
            false => Next::Nothing,
        })
    }

    /// One step. False when there is nothing to do.
    async fn rebuild_step(&self) -> Result<bool> {
        if !self.store.needs_rebuild().await? {
            return Ok(false);
        }
        self.store
            .write_background(|tx| {
                Box::pin(async move {
                    let next = step(tx, tx.rebuild_phase().await?).await?;
                    tx.set_rebuild_phase(next).await?;
                    Ok(next != Phase::Done)
                })
            })
            .await
    }
}

async fn step(tx: &Tx, phase: Phase) -> Result<Phase> {
    Ok(match phase {
        Phase::Entries(position) => {
            let actions = tx.actions_after(position).await?;
            let Some(last) = actions.last().map(|action| action.id.0) else {
                return Ok(Phase::Groups(0));
            };
            let changed = tx.correct_notifications(&due(tx, actions).await?).await?;
            if !changed.is_empty() {
                let mut event = NewEvent::new(EventKind::Import);
                event.keys = changed.into_iter().map(Key::Topic).collect();
                tx.emit(event);
            }
            Phase::Entries(last)
        }
        Phase::Groups(position) => match tx.recount_groups_after(position).await? {
            Some(last) => Phase::Groups(last),
            None => Phase::Counts(0),
        },
        Phase::Counts(position) => match tx.recount_new_after(position).await? {
            Some(last) => Phase::Counts(last),
            None => Phase::Done,
        },
        Phase::Done => Phase::Done,
    })
}

/// In whose notifications actions belong, by the rule that mutations follow.
async fn due(tx: &Tx, actions: Vec<Action>) -> Result<Vec<Due>> {
    let named: Vec<TweetId> = actions
        .iter()
        .filter_map(|action| action.object.as_ref()?.tweet())
        .collect();
    let tweets = tx.tweets_as_they_are(&named).await?;
    let authors = tx
        .authors_of(tweets.values().filter_map(|tweet| tweet.in_reply_to))
        .await?;
    let told: Vec<Vec<Topic>> = actions
        .iter()
        .map(|action| {
            let deed = deed(action, &tweets, &authors);
            let topics = deed.into_iter().flat_map(|deed| deed.topics);
            topics.filter(|topic| topic.notified().is_some()).collect()
        })
        .collect();
    let users: Vec<UserId> = told.iter().flatten().filter_map(Topic::notified).collect();
    let there = tx.users_there(&users).await?;
    let is_there = |topic: &Topic| topic.notified().is_some_and(|user| there.contains(&user));
    Ok(actions
        .into_iter()
        .zip(told)
        .map(|(action, topics)| Due {
            topics: topics.into_iter().filter(is_there).collect(),
            is_vague: answers_what_is_gone(&action, &authors),
            action,
        })
        .collect())
}

/// Whoever wrote what is answered was told, and that is known no more.
fn answers_what_is_gone(action: &Action, authors: &HashMap<TweetId, UserId>) -> bool {
    let answered = action.target.as_ref().and_then(Entity::tweet);
    answered.is_some_and(|id| !authors.contains_key(&id))
}

fn deed(action: &Action, tweets: &HashMap<TweetId, Arc<Tweet>>, authors: &HashMap<TweetId, UserId>) -> Option<Deed> {
    if !action.is_automatic() {
        return Some(Deed::given(action.clone()));
    }
    let (by, object) = (action.actor.user()?, action.object.as_ref()?);
    if action.verb == FOLLOW {
        return Some(Deed::follow(action.id, by, object, action.created_at));
    }
    let tweet = tweets.get(&object.tweet()?)?;
    let reaction = Reaction::ALL
        .into_iter()
        .find(|reaction| reaction.verb() == action.verb);
    Some(match reaction {
        Some(reaction) => Deed::reaction(reaction, action.id, by, (tweet.id, tweet.author), action.created_at),
        None => Deed::posting(tweet, tweet.in_reply_to.and_then(|id| authors.get(&id).copied())),
    })
}
