//! How a run of a group grows: from a position of the log to its end, and then with it.

use super::frame::Teller;
use super::group::Group;
use super::ring::{End, Growth, RunId};
use super::source::{News, Topics};
use super::walks::Pass;
use crate::model::{Error, Event, Result, Seq};
use std::sync::Arc;
use std::time::Duration;

/// How often reading the log is tried before the readers are told, and how long to wait.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// Of how many events at once is looked up what they show. Few, since what others commit meanwhile makes
/// some of it old.
const AHEAD: usize = 32;

/// Makes a run grow in the background, until it touches the next or the group is given up.
pub(super) fn begin<T: Teller>(group: Arc<Group<T>>, run: RunId, pass: Pass) {
    tokio::spawn(async move {
        let over = group.over.clone();
        over.run_until_cancelled(grow(group, run, pass)).await;
    });
}

async fn grow<T: Teller>(group: Arc<Group<T>>, run: RunId, mut pass: Pass) {
    let topics = group.teller().source().topics();
    // Followed before the log is looked at: what comes in between is told.
    let mut news = News::follow(&topics, &group.hub.followers, group.hub.store.log());
    let mut tries = TRIES;
    while let Some(after) = group.upto(run) {
        pass.enter().await;
        match since(&group, &topics, after).await {
            Ok((events, reached)) => {
                tries = TRIES;
                let is_end = events.is_empty() && reached == after;
                match take(&group, run, events, &mut pass).await {
                    Ok(true) if !group.reach(run, reached) => return,
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(error) => return group.end(run, End::Failed(Arc::new(error))),
                }
                if is_end {
                    group.is_live(run);
                    pass.end();
                    tokio::select! {
                        () = news.changed() => {}
                        () = group.hub.flush.notified() => {}
                    }
                }
            }
            Err(Error::Internal(cause)) if tries > 0 => {
                tracing::warn!(%cause, "can't read the event log");
                tries -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return group.end(run, End::Failed(Arc::new(error))),
        }
    }
}

/// Executes events one by one, as they are wanted. False: the run is no more.
async fn take<T: Teller>(group: &Arc<Group<T>>, run: RunId, events: Vec<Arc<Event>>, pass: &mut Pass) -> Result<bool> {
    for (place, event) in events.iter().enumerate() {
        if place % AHEAD == 0 {
            look_ahead(group, events.iter().skip(place).take(AHEAD)).await;
        }
        if group.teller().source().ends(event) {
            group.end(run, End::Over);
            return Ok(false);
        }
        if !group.teller().source().concerns(event, &group.hub.store) {
            continue;
        }
        let Some(limit) = wanted(group, run, pass).await else {
            return Ok(false);
        };
        if event.position.seq > limit {
            break;
        }
        let told = group.tell(Arc::clone(event)).await?;
        group.add(run, Arc::clone(event), told).wake_in_turns().await;
    }
    Ok(true)
}

/// Brings into memory what several events show: each by itself would ask the database. Where that fails, they
/// do, and tell of it.
async fn look_ahead<T: Teller>(group: &Group<T>, events: impl Iterator<Item = &Arc<Event>>) {
    let (source, store) = (group.teller().source(), &group.hub.store);
    let shown: Vec<_> = events.filter(|event| source.concerns(event, store)).collect();
    let tweets: Vec<_> = shown.iter().filter_map(|event| event.body.tweet).collect();
    let users: Vec<_> = shown.iter().filter_map(|event| event.body.actor).collect();
    if tweets.len() > 1 {
        drop(store.view().rows(Some(&tweets), &users).await);
    }
}

/// How far a run may grow, once somebody wants it to. None: it is no more.
async fn wanted<T: Teller>(group: &Group<T>, run: RunId, pass: &mut Pass) -> Option<Seq> {
    loop {
        let wanted = group.wanted.notified();
        tokio::pin!(wanted);
        wanted.as_mut().enable();
        match group.growth(run) {
            Growth::Upto(limit) => return Some(limit),
            Growth::Over => return None,
            Growth::Pause => {
                // Who reads slowly must not keep others of the address from walking.
                pass.leave();
                wanted.await;
                pass.enter().await;
            }
        }
    }
}

async fn since<T: Teller>(group: &Group<T>, topics: &Topics, after: Seq) -> Result<(Vec<Arc<Event>>, Seq)> {
    let log = group.hub.store.log();
    match topics {
        Topics::These(topics) => log.since(topics, after).await,
        Topics::All => {
            let events = log.all_since(after).await?;
            let reached = events.last().map_or(after, |last| last.position.seq);
            Ok((events, reached))
        }
    }
}
