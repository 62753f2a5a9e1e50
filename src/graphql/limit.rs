//! How much each user and each address may ask for in a time.
//!
//! A rate such as 10 a minute lets 10 come at once, and then one every 6 seconds. What is kept is
//! one number for each who came lately, and of these a bounded number.
//!
//! Where several nodes serve one database, the rare and dangerous (accounts, passwords) is counted
//! there too, exactly. Of the rest each node tells the others some times a second what it has charged
//! (`charges`).

mod charges;

use crate::config::Rate;
use crate::metrics::Metrics;
use crate::model::user::username_key;
use crate::model::viewer::TokenHash;
use crate::model::{Error, Result, UserId, Viewer};
use crate::store::Store;
use crate::store::rate::Share;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charges::Untold;
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many of those who came last are remembered, for each rate.
const REMEMBERED: usize = 50_000;

/// What may be done how often.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Cost of operations, for each user and each address of anonymous viewers.
    pub cost: Rate,
    /// Mutations, for the same.
    pub writes: Rate,
    /// Accounts made from an address.
    pub sign_ups: Rate,
    /// Wrong passwords for an account.
    pub passwords: Rate,
    /// Attempts to log in from an address.
    pub log_ins: Rate,
}

/// Counts what is done.
#[derive(Clone)]
pub struct Limiter(Option<Arc<Counts>>);

struct Counts {
    cost: Bucket<Who>,
    writes: Bucket<Who>,
    sign_ups: Bucket<Who>,
    passwords: Bucket<u64>,
    log_ins: Bucket<Who>,
    names: RandomState,
    /// Where all nodes count together, if there may be several.
    shared: Option<Store>,
    /// What the other nodes are to be told.
    untold: Untold,
    metrics: Metrics,
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Who {
    #[serde(rename = "u")]
    User(UserId),
    #[serde(rename = "s")]
    Service(TokenHash),
    #[serde(rename = "a")]
    Address(Option<IpAddr>),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Service(session) => write!(f, "service {}", URL_SAFE_NO_PAD.encode(session)),
            Self::Address(Some(address)) => write!(f, "address {address}"),
            Self::Address(None) => f.write_str("address"),
        }
    }
}

impl Limiter {
    /// With these rates, or without any.
    #[must_use]
    pub fn new(rates: Option<Rates>, store: &Store, metrics: Metrics) -> Self {
        Self(rates.map(|rates| {
            Arc::new(Counts {
                cost: Bucket::new(rates.cost),
                writes: Bucket::new(rates.writes),
                sign_ups: Bucket::new(rates.sign_ups),
                passwords: Bucket::new(rates.passwords),
                log_ins: Bucket::new(rates.log_ins),
                names: RandomState::new(),
                shared: store.is_shared().then(|| store.clone()),
                untold: Untold::new(store.is_shared()),
                metrics,
            })
        }))
    }

    /// The account of one caller.
    #[must_use]
    pub fn of(&self, viewer: &Viewer, address: Option<IpAddr>) -> Account {
        let address = Who::Address(address.map(network));
        let who = match viewer {
            Viewer::Anonymous => address,
            Viewer::User { id, .. } => Who::User(*id),
            Viewer::Service { session, .. } => Who::Service(*session),
        };
        let counts = self.0.clone();
        Account { counts, who, address }
    }
}

/// Whose an address is: somebody with one of IPv6 has a whole network of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

/// What one caller is charged.
#[derive(Clone)]
pub struct Account {
    counts: Option<Arc<Counts>>,
    who: Who,
    address: Who,
}

impl Account {
    /// An account that is charged for nothing: what a group executes is paid at the opening.
    #[must_use]
    pub fn free() -> Self {
        let address = Who::Address(None);
        Self {
            counts: None,
            who: address,
            address,
        }
    }

    /// Charges an operation: what it costs, and how much it writes.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn operation(&self, cost: u64, writes: u64) -> Result<()> {
        let Some(counts) = &self.counts else { return Ok(()) };
        counts.told(counts.cost.take(self.who, cost))?;
        counts.untold.add(self.who, cost, 0);
        counts.told(counts.writes.take(self.who, writes))?;
        counts.untold.add(self.who, 0, writes);
        Ok(())
    }

    /// Charges the making of an account.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Internal`] when the database fails.
    pub async fn sign_up(&self) -> Result<()> {
        let Some(counts) = &self.counts else { return Ok(()) };
        let charge = counts
            .sign_ups
            .charge(self.address, format!("sign-up {}", self.address));
        counts.take(&[&charge]).await
    }

    /// Charges an attempt to log in, before the password is looked at: attempts at once are
    /// counted like those one after another.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Internal`] when the database fails.
    pub async fn log_in(&self, username: &str) -> Result<Attempt> {
        let Some(counts) = &self.counts else {
            return Ok(Attempt(None));
        };
        // Names of accounts come from strangers and can be long.
        let name = URL_SAFE_NO_PAD.encode(Sha256::digest(username_key(username)));
        let (name, account) = counts.account(format_args!("name {name}"));
        let from = counts.log_ins.charge(self.address, format!("log-in {}", self.address));
        counts
            .take(&[&from, &counts.passwords.charge(account, name.clone())])
            .await?;
        Ok(Attempt(Some((Arc::clone(counts), account, name))))
    }

    /// Charges an attempt to confirm something by the viewer's own password.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Internal`] when the database fails.
    pub async fn confirm(&self) -> Result<Attempt> {
        let Some(counts) = &self.counts else {
            return Ok(Attempt(None));
        };
        let (name, account) = counts.account(format_args!("{}", self.who));
        counts.take(&[&counts.passwords.charge(account, name.clone())]).await?;
        Ok(Attempt(Some((Arc::clone(counts), account, name))))
    }
}

impl Counts {
    /// Whose password it is, for all nodes and for this one.
    fn account(&self, of: fmt::Arguments<'_>) -> (String, u64) {
        let name = format!("password {of}");
        let account = self.names.hash_one(&name);
        (name, account)
    }

    /// Takes one of each, here and then of what all nodes count together, up to the first that is not
    /// there. So a node that has had its share asks nobody to refuse the rest.
    async fn take(&self, charges: &[&(dyn Charge + Sync)]) -> Result<()> {
        for charge in charges {
            self.told(charge.take())?;
        }
        let Some(store) = &self.shared else { return Ok(()) };
        let shares = charges.iter().map(|charge| charge.share()).collect();
        self.told(store.take_shares(shares).await?.map_err(|(place, wait)| {
            if let Some(charge) = charges.get(place) {
                charge.wait(wait);
            }
            wait
        }))
    }

    fn told(&self, taken: Result<(), Duration>) -> Result<()> {
        taken.map_err(|retry_after| {
            self.metrics.rate_limited.inc();
            Error::RateLimited { retry_after }
        })
    }
}

/// A password that is being looked at.
#[must_use = "an attempt that is not said to be right counts as wrong"]
pub struct Attempt(Option<(Arc<Counts>, u64, String)>);

impl Attempt {
    /// The password was right: only wrong ones count.
    pub async fn was_right(self) {
        let Some((counts, account, name)) = self.0 else { return };
        counts.passwords.put_back(account, 1);
        let Some(store) = &counts.shared else { return };
        let share = counts.passwords.charge(account, name).share();
        if let Err(error) = store.put_share_back(share).await {
            tracing::warn!(?error, "a right password counts as a wrong one");
        }
    }
}

/// One of something that is counted exactly.
trait Charge {
    /// Takes it of what this node counts, or says how long to wait.
    fn take(&self) -> Result<(), Duration>;

    /// What is taken of what all nodes count together.
    fn share(&self) -> Share;

    /// Has nothing to give until some time is over.
    fn wait(&self, wait: Duration);
}

struct One<'a, K> {
    bucket: &'a Bucket<K>,
    who: K,
    name: String,
}

impl<K: Clone + Eq + Hash> Charge for One<'_, K> {
    fn take(&self) -> Result<(), Duration> {
        self.bucket.take(self.who.clone(), 1)
    }

    fn share(&self) -> Share {
        Share {
            name: self.name.clone(),
            price: Duration::from_nanos(self.bucket.price(1)),
            most: self.bucket.rate.period,
        }
    }

    fn wait(&self, wait: Duration) {
        self.bucket.empty(self.who.clone(), wait);
    }
}

/// What each has taken of a rate: the time at which all of it will be there again.
struct Bucket<K> {
    rate: Rate,
    begin: Instant,
    full_at: Cache<K, Arc<AtomicU64>>,
}

impl<K: Clone + Eq + Hash> Bucket<K> {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            begin: Instant::now(),
            full_at: Cache::new(REMEMBERED),
        }
    }

    /// Takes some, or says how long to wait.
    fn take(&self, who: K, amount: u64) -> Result<(), Duration> {
        self.take_at(nanoseconds(self.begin.elapsed()), who, amount)
    }

    fn take_at(&self, now: u64, who: K, amount: u64) -> Result<(), Duration> {
        if amount == 0 {
            return Ok(());
        }
        let (most, price) = (nanoseconds(self.rate.period), self.price(amount));
        let full_at = self.of(who);
        let taken = full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let later = full_at.max(now).saturating_add(price);
            (later - now <= most).then_some(later)
        });
        taken.map(drop).map_err(|full_at| {
            let later = full_at.max(now).saturating_add(price);
            Duration::from_nanos(later.saturating_sub(now).saturating_sub(most))
        })
    }

    /// One for somebody, whom all nodes call by this name.
    fn charge(&self, who: K, name: String) -> One<'_, K> {
        One {
            bucket: self,
            who,
            name,
        }
    }

    /// Takes what was given elsewhere already. What is owed is owed for one period at the most.
    fn owe(&self, who: K, amount: u64) {
        if amount == 0 {
            return;
        }
        let (now, most) = (nanoseconds(self.begin.elapsed()), nanoseconds(self.rate.period));
        let price = self.price(amount);
        let later = |full_at: u64| Some(full_at.max(now).saturating_add(price).min(now.saturating_add(2 * most)));
        let _ = self.of(who).fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    /// Lets nobody take one until some time is over.
    fn empty(&self, who: K, wait: Duration) {
        let (now, most) = (nanoseconds(self.begin.elapsed()), nanoseconds(self.rate.period));
        let later = now + nanoseconds(wait) + most.saturating_sub(self.price(1));
        self.of(who).fetch_max(later, Ordering::Relaxed);
    }

    fn put_back(&self, who: K, amount: u64) {
        let price = self.price(amount);
        let back = |full_at: u64| Some(full_at.saturating_sub(price));
        let _ = self.of(who).fetch_update(Ordering::Relaxed, Ordering::Relaxed, back);
    }

    /// How long it takes until that much is there again. Nothing costs more than there ever is.
    fn price(&self, amount: u64) -> u64 {
        let share = u128::from(amount.min(self.rate.count)) * u128::from(nanoseconds(self.rate.period));
        u64::try_from(share / u128::from(self.rate.count.max(1))).unwrap_or(u64::MAX)
    }

    fn of(&self, who: K) -> Arc<AtomicU64> {
        let new = || Ok::<_, std::convert::Infallible>(Arc::default());
        match self.full_at.get_or_insert_with(&who, new) {
            Ok(full_at) => full_at,
            Err(never) => match never {},
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn bucket(count: u64, seconds: u64) -> Bucket<u8> {
        Bucket::new(Rate {
            count,
            period: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn a_burst_and_then_as_it_fills() {
        let bucket = bucket(10, 60);
        for _ in 0..10 {
            assert_eq!(bucket.take_at(0, 1, 1), Ok(()));
        }
        assert_eq!(bucket.take_at(0, 1, 1), Err(Duration::from_secs(6)));
        assert_eq!(bucket.take_at(0, 2, 10), Ok(()), "another one's is full");
        assert_eq!(bucket.take_at(6 * SECOND, 1, 1), Ok(()));
        assert_eq!(bucket.take_at(6 * SECOND, 1, 2), Err(Duration::from_secs(12)));
        bucket.put_back(1, 2);
        assert_eq!(bucket.take_at(6 * SECOND, 1, 2), Ok(()));
    }

    #[test]
    fn what_is_larger_than_all_takes_all() {
        let bucket = bucket(10, 60);
        assert_eq!(bucket.take_at(0, 1, 1_000), Ok(()));
        assert_eq!(bucket.take_at(0, 1, 1), Err(Duration::from_secs(6)));
        assert_eq!(bucket.take_at(0, 1, 0), Ok(()));
    }

    #[test]
    fn a_network_of_addresses_is_one() {
        let same = |one: &str, other: &str| network(one.parse().unwrap()) == network(other.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("10.0.0.1", "::ffff:10.0.0.1"));
        assert!(!same("10.0.0.1", "10.0.0.2"));
    }

    proptest! {
        #[test]
        fn no_period_brings_more_than_twice_the_count(
            count in 1_u64..50,
            seconds in 1_u64..100,
            takes in prop::collection::vec((0_u64..20 * SECOND, 1_u64..5), 1..200),
        ) {
            let bucket = bucket(count, seconds);
            let period = seconds * SECOND;
            let (mut now, mut taken) = (0, Vec::new());
            for (pause, amount) in takes {
                now += pause;
                match bucket.take_at(now, 1, amount) {
                    Ok(()) => taken.push((now, amount.min(count))),
                    // Who waits as long as told is let in.
                    Err(wait) => {
                        now += nanoseconds(wait);
                        prop_assert_eq!(bucket.take_at(now, 1, amount), Ok(()));
                        taken.push((now, amount.min(count)));
                    }
                }
            }
            for (begin, _) in &taken {
                let within = taken.iter().filter(|(at, _)| (*begin..begin + period).contains(at));
                let sum: u64 = within.map(|(_, amount)| amount).sum();
                // Prices are rounded down, so a few more may come.
                prop_assert!(sum <= 2 * count + 1, "{} of {}", sum, count);
            }
        }
    }
}
