//! How often who used what, for any stretch of time: from spans that are counted, and from the
//! entries themselves where none are.
//!
//! A span's row is exact or not there. New posts touch none, since only what is over is counted; what
//! changes in the past takes the rows of its time away in the same transaction, and the background
//! counts them again. So no posting costs more, and no answer depends on how far the background is.

use super::dialect::statement;
use super::snapshot::{Snapshot, json};
use super::sweep::STEP;
use super::tx::Tx;
use super::wall::countable;
use crate::model::tally::{Cover, HOUR, Range, SPANS, Span, Tally, parts};
use crate::model::{Micros, Result, Topic, UserId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use std::collections::HashSet;

/// The name under which the uses of all hashtags are counted together.
pub const HASHTAGS: &str = "hashtags";

/// What is counted: the posts of a topic by their authors, or all hashtags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// The posts of a hashtag or a wall.
    Posts(Topic),
    /// The uses of all hashtags.
    Hashtags,
}

impl Counted {
    fn name(&self) -> &str {
        match self {
            Self::Posts(topic) => topic.as_str(),
            Self::Hashtags => HASHTAGS,
        }
    }
}

/// Something that is counted within a stretch of time.
pub type Asked = (Counted, Range);

/// The packed tallies that make up a stretch.
pub type Tallies = Vec<Vec<u8>>;

/// How long spans of an hour are kept: longer ones stand for them afterwards.
const HOURS_KEPT: i64 = 9 * 24;
/// From how many posts on a topic's days are counted, and its hours.
const COUNTED_BY_DAY: i64 = 1_000;
const COUNTED_BY_HOUR: i64 = 20_000;

impl Snapshot {
    /// The tallies of stretches, in three statements whatever their number.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tallies(&self, asked: &[Asked]) -> Result<Vec<Tallies>> {
        tallies(self.conn(), asked).await
    }

    /// What has so many posts that they are counted beforehand, each with whether by the hour.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn busy(&self) -> Result<Vec<(Counted, bool)>> {
        let sql = "SELECT 'hashtag:' || name, tweet_count FROM hashtag WHERE tweet_count >= ? \
                   UNION ALL SELECT 'wall:' || id, tweet_count FROM wall WHERE tweet_count >= ?";
        let rows = self.rows(sql, [COUNTED_BY_DAY.into(), COUNTED_BY_DAY.into()]).await?;
        let mut busy = vec![(Counted::Hashtags, true)];
        for row in &rows {
            let topic = Topic::from_row(&row.try_get_by_index::<String>(0)?);
            let posts: i64 = row.try_get_by_index(1)?;
            busy.push((Counted::Posts(topic), posts >= COUNTED_BY_HOUR));
        }
        Ok(busy)
    }
}

async fn query(
    conn: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<QueryResult>> {
    Ok(conn
        .query_all_raw(statement(conn.get_database_backend(), sql, values))
        .await?)
}

/// What a row says of which of the asked.
fn told(row: &QueryResult) -> Result<(usize, String)> {
    let place: i64 = row.try_get_by_index(0)?;
    let text: Option<String> = row.try_get_by_index(1)?;
    Ok((usize::try_from(place).unwrap_or(usize::MAX), text.unwrap_or_default()))
}

async fn tallies(conn: &DatabaseTransaction, asked: &[Asked]) -> Result<Vec<Tallies>> {
    let covers = covers(conn, asked).await?;
    let mut found = vec![Tallies::new(); asked.len()];
    let spans: Vec<(usize, &str, Span)> = asked
        .iter()
        .zip(&covers)
        .enumerate()
        .flat_map(|(place, ((counted, _), cover))| cover.spans.iter().map(move |span| (place, counted.name(), *span)))
        .collect();
    let keys: Vec<_> = spans
        .iter()
        .map(|(_, name, span)| (name, span.hours, span.start))
        .collect();
    let sql = "SELECT k.key, t.counts FROM {each} \
               JOIN tally t ON t.topic = {text:0} AND t.hours = {int:1} AND t.start = {int:2}";
    for row in &query(conn, sql, [json(&keys)]).await? {
        let key: i64 = row.try_get_by_index(0)?;
        let span = usize::try_from(key).ok().and_then(|key| spans.get(key));
        if let Some(tallies) = span.and_then(|(place, ..)| found.get_mut(*place)) {
            tallies.push(row.try_get_by_index(1)?);
        }
    }
    let rest = asked.iter().zip(covers).enumerate();
    let rest: Vec<(usize, &Counted, Range)> = rest
        .flat_map(|(place, ((counted, _), cover))| cover.rest.into_iter().map(move |range| (place, counted, range)))
        .collect();
    for (place, tally) in count(conn, &rest).await? {
        if let Some(tallies) = found.get_mut(place) {
            tallies.push(tally.pack());
        }
    }
    Ok(found)
}

/// What each stretch is read from.
async fn covers(conn: &DatabaseTransaction, asked: &[Asked]) -> Result<Vec<Cover>> {
    let keys: Vec<_> = asked
        .iter()
        .flat_map(|(counted, range)| SPANS.map(|hours| (counted.name(), hours, range.from.div_euclid(HOUR))))
        .collect();
    let sql = "SELECT k.key, (SELECT string_agg(CAST(t.start AS TEXT), ' ') FROM tally t WHERE t.topic = {text:0} \
               AND t.hours = {int:1} AND t.start >= {int:2}) FROM {each}";
    let mut counted: Vec<Vec<Span>> = vec![Vec::new(); asked.len()];
    for row in &query(conn, sql, [json(&keys)]).await? {
        let (key, starts) = told(row)?;
        let (place, length) = (key / SPANS.len(), SPANS.get(key % SPANS.len()));
        if let (Some(spans), Some(hours)) = (counted.get_mut(place), length) {
            let starts = starts.split(' ').filter_map(|start| start.parse().ok());
            spans.extend(starts.map(|start| Span { hours: *hours, start }));
        }
    }
    let ranges = asked.iter().map(|(_, range)| *range);
    Ok(ranges
        .zip(&counted)
        .map(|(range, spans)| Cover::new(range, spans))
        .collect())
}

/// Counts stretches from the entries. Each row that a query gives costs more than reading many
/// entries, so what is read of a stretch comes as one text.
async fn count(conn: &DatabaseTransaction, rest: &[(usize, &Counted, Range)]) -> Result<Vec<(usize, Tally)>> {
    let fit = |at: i64| at.clamp(Micros::MIN.0, Micros::MAX.0);
    let (mut posts, mut tags) = (Vec::new(), Vec::new());
    for (place, counted, range) in rest {
        let (from, to) = (fit(range.from), fit(range.to));
        match counted {
            Counted::Posts(topic) => posts.push((topic.as_str(), from, to, place)),
            Counted::Hashtags => tags.push(("", from, to, place)),
        }
    }
    let mut found = Vec::new();
    let sql = "SELECT {int:3}, (SELECT string_agg(CAST(x.actor_id AS TEXT), ' ') FROM feed_entry x \
               WHERE x.topic = {text:0} AND x.kind = 0 AND x.created_at >= {int:1} AND x.created_at < {int:2}) FROM {each}";
    for row in &query(conn, sql, [json(&posts)]).await? {
        let (place, authors) = told(row)?;
        let mut tally = Tally::default();
        for author in authors.split(' ').filter_map(|author| author.parse().ok()) {
            tally.add("", UserId(author), 1);
        }
        found.push((place, tally));
    }
    let sql = "SELECT {int:3}, (SELECT string_agg(h.hashtag || ' ' || CAST(t.author_id AS TEXT), ' ') \
               FROM tweet t CROSS JOIN tweet_hashtag h WHERE h.tweet_id = t.id AND t.deleted_at IS NULL \
               AND t.created_at >= {int:1} AND t.created_at < {int:2}) FROM {each}";
    for row in &query(conn, sql, [json(&tags)]).await? {
        let (place, uses) = told(row)?;
        let mut tally = Tally::default();
        let mut words = uses.split(' ');
        while let (Some(name), Some(author)) = (words.next(), words.next()) {
            if let Ok(author) = author.parse() {
                tally.add(name, UserId(author), 1);
            }
        }
        found.push((place, tally));
    }
    Ok(found)
}

impl Tx {
    /// The spans of something that are over and not counted yet, the shortest and oldest first; none
    /// beyond `most`.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn uncounted(&self, counted: &Counted, by_hour: bool, most: usize) -> Result<Vec<Span>> {
        let over = countable(self.now());
        let recent = (self.now().0.div_euclid(HOUR) - HOURS_KEPT) * HOUR;
        let known = self.counted(counted).await?;
        let mut spans = Vec::new();
        for hours in SPANS.into_iter().rev().filter(|hours| by_hour || *hours > 1) {
            let mut at = if hours == 1 { recent } else { Micros::MIN.0 };
            while spans.len() < most {
                let Some(next) = self.next_use(counted, at).await? else {
                    break;
                };
                let mut span = Span::around(hours, next.div_euclid(HOUR));
                while known.contains(&span) {
                    span.start = span.end();
                }
                if span.range().from > next {
                    at = span.range().from;
                    continue;
                }
                if span.range().to > over {
                    break;
                }
                spans.push(span);
                at = span.range().to;
            }
        }
        Ok(spans)
    }

    async fn counted(&self, counted: &Counted) -> Result<HashSet<Span>> {
        let sql = "SELECT hours, start FROM tally WHERE topic = ?";
        let rows = self.rows(sql, [counted.name().into()]).await?;
        rows.iter()
            .map(|row| {
                Ok(Span {
                    hours: row.try_get_by_index(0)?,
                    start: row.try_get_by_index(1)?,
                })
            })
            .collect()
    }

    /// When something was used next, at a time or after it.
    async fn next_use(&self, counted: &Counted, at: i64) -> Result<Option<i64>> {
        let rows = match counted {
            Counted::Posts(topic) => {
                let sql = "SELECT MIN(created_at) FROM feed_entry WHERE topic = ? AND kind = 0 AND created_at >= ?";
                self.rows(sql, [topic.as_str().into(), at.into()]).await?
            }
            Counted::Hashtags => {
                let sql = "SELECT MIN(created_at) FROM tweet WHERE created_at >= ?";
                self.rows(sql, [at.into()]).await?
            }
        };
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.flatten())
    }

    /// Counts a span, from shorter ones where they are counted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_span(&self, counted: &Counted, span: Span) -> Result<()> {
        let tallies = tallies(self.conn(), &[(counted.clone(), span.range())]).await?;
        let mut all = Tally::default();
        for packed in tallies.iter().flatten() {
            for part in parts(packed) {
                part.by_user().for_each(|(user, uses)| all.add(part.name, user, uses));
            }
        }
        let sql = "INSERT INTO tally (topic, hours, start, counts) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let values = [
            counted.name().into(),
            span.hours.into(),
            span.start.into(),
            all.pack().into(),
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes away some of the hours that days stand for by now. Returns how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn forget_hours(&self) -> Result<u64> {
        let before = self.now().0.div_euclid(HOUR) - HOURS_KEPT;
        let sql = "DELETE FROM tally WHERE (topic, hours, start) IN \
                   (SELECT topic, hours, start FROM tally WHERE hours = 1 AND start < ? LIMIT ?)";
        self.execute(sql, [before.into(), STEP.into()]).await
    }
}
