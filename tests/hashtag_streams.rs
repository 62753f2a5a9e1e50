//! What a hashtag's stream tells, in which order, and since when.

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::harness::{Event, Known, Linnet, Person, Stream, until};

/// The next event of a stream is this one.
async fn tells(stream: &mut Stream, kind: &str, id: &str, text: Option<&str>) -> Event {
    let event = stream.next().await;
    assert_eq!(event.seen(), (kind, id, text), "{event:?}");
    event
}

/// What a stream answers to an `after` that it can't go on from.
async fn refusal(linnet: &Linnet, after: &str) -> (String, Option<String>) {
    let extensions = linnet.stream_after("rust", after).await.refused().await;
    let text = |name: &str| extensions[name].as_str().map(ToOwned::to_owned);
    (text("code").unwrap(), text("field"))
}

#[tokio::test]
async fn an_edit_is_told_by_what_it_changes() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let id = alice.post("one #a #b").await;
    let (mut a, mut b, mut c) = (
        linnet.stream("a").await,
        linnet.stream("b").await,
        linnet.stream("c").await,
    );

    alice.edit(&id, "two #b #c").await;
    tells(&mut a, "DELETED", &id, None).await;
    tells(&mut b, "UPDATED", &id, Some("two #b #c")).await;
    tells(&mut c, "CREATED", &id, Some("two #b #c")).await;

    // The same text again is no event; the same tags in another order and case are one.
    alice.edit(&id, "two #b #c").await;
    alice.edit(&id, "three #C #B").await;
    tells(&mut b, "UPDATED", &id, Some("three #C #B")).await;
    tells(&mut c, "UPDATED", &id, Some("three #C #B")).await;

    alice.edit(&id, "no tag").await;
    tells(&mut b, "DELETED", &id, None).await;
    tells(&mut c, "DELETED", &id, None).await;
    alice.edit(&id, "back #a").await;
    tells(&mut a, "CREATED", &id, Some("back #a")).await;
}

#[tokio::test]
async fn a_hashtag_is_named_in_any_form() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let names = [
        "rust",
        "Rust",
        "#RUST",
        "\u{FF03}rust", // a full-width sign
    ];
    let mut streams = join_all(names.map(|name| linnet.stream(name))).await;
    let id = alice.post("#ruSt").await;
    for stream in &mut streams {
        tells(stream, "CREATED", &id, Some("#ruSt")).await;
    }

    // Composed and decomposed.
    let mut streams = join_all(["caf\u{E9}", "#CAFE\u{301}"].map(|name| linnet.stream(name))).await;
    let id = alice.post("#cafe\u{301}").await;
    for stream in &mut streams {
        tells(stream, "CREATED", &id, Some("#caf\u{E9}")).await;
    }
}

#[tokio::test]
async fn what_is_no_hashtag_has_no_stream() {
    let linnet = Linnet::start().await;
    for name in ["", "#", "two words", "##rust", "1984"] {
        let variables = json!({ "hashtag": name, "after": linnet.anybody().cursor().await });
        let extensions = linnet.stream_with(variables).await.refused().await;
        assert_eq!(extensions["code"], "BAD_USER_INPUT", "{name}");
        assert_eq!(extensions["field"], "hashtag", "{name}");
    }
}

#[tokio::test]
async fn a_deleted_tweet_leaves_each_of_its_hashtags() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let id = alice.post("#a #b").await;
    let (mut a, mut b) = (linnet.stream("a").await, linnet.stream("b").await);
    alice.delete(&id).await;
    tells(&mut a, "DELETED", &id, None).await;
    tells(&mut b, "DELETED", &id, None).await;
}

#[tokio::test]
async fn replies_are_told_like_any_tweet() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let id = alice.post("a question").await;
    let mut stream = linnet.stream("answer").await;
    let reply = json!({ "text": "an #answer", "inReplyTo": id });
    let reply = crate::harness::id(&alice.write("postTweet", reply).await["tweet"]);
    tells(&mut stream, "CREATED", &reply, Some("an #answer")).await;
}

#[tokio::test]
async fn retweets_are_told_to_those_who_ask() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let id = alice.post("#rust").await;
    let mut all = linnet.stream_with(json!({ "hashtag": "rust", "retweets": true })).await;
    let mut plain = linnet.stream("rust").await;

    bob.retweet(&id).await;
    let event = tells(&mut all, "RETWEETED", &id, Some("#rust")).await;
    assert_eq!(event.retweeted_by.as_deref(), Some("bob"));
    // Again and back are no events.
    bob.retweet(&id).await;
    bob.write("undoRetweet", json!({ "id": id })).await;
    let next = alice.post("more #rust").await;
    let event = tells(&mut all, "CREATED", &next, Some("more #rust")).await;
    assert_eq!(event.retweeted_by, None);
    tells(&mut plain, "CREATED", &next, Some("more #rust")).await;
}

#[tokio::test]
async fn a_hashtag_shows_its_counts_as_they_are_now() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let before = alice.cursor().await;
    let unused = alice.ask(r#"{ hashtag(name: "rust") { id } }"#, json!({})).await;
    assert!(unused["hashtag"].is_null());
    let mut live = linnet.stream("rust").await;
    let first = alice.post("#rust 1").await;
    assert_eq!(
        tells(&mut live, "CREATED", &first, Some("#rust 1")).await.count,
        Some(1)
    );
    let second = alice.post("#rust 2").await;
    assert_eq!(
        tells(&mut live, "CREATED", &second, Some("#rust 2")).await.count,
        Some(2)
    );
    alice.delete(&first).await;
    assert_eq!(tells(&mut live, "DELETED", &first, None).await.count, Some(1));

    let replay = linnet.stream_after("rust", &before).await.take(3).await;
    assert!(replay.iter().all(|event| event.count == Some(1)), "{replay:?}");
}

#[tokio::test]
async fn a_stream_is_the_order_of_commits() {
    let linnet = Linnet::start().await;
    let before = linnet.anybody().cursor().await;
    let mut live = [linnet.stream("rust").await, linnet.stream("rust").await];
    let people = join_all(["ann", "ben", "cleo"].map(|name| linnet.person(name))).await;
    let writing = people.iter().map(|person| async {
        for number in 0..20 {
            let id = person.post(&format!("{number} #rust")).await;
            person.edit(&id, &format!("{number} again #rust")).await;
        }
    });
    join_all(writing).await;
    let order = |events: Vec<Event>| -> Vec<_> {
        events
            .into_iter()
            .map(|event| (event.kind, event.id, event.cursor))
            .collect()
    };
    let [one, two] = &mut live;
    let one = order(one.take(120).await);
    assert_eq!(one, order(two.take(120).await));
    assert_eq!(one, order(linnet.stream_after("rust", &before).await.take(120).await));
}

#[tokio::test]
async fn a_fresh_cursor_gives_what_happened_since() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    alice.post("#rust before").await;
    let cursor = alice.cursor().await;
    let first = alice.post("#rust first").await;
    alice.post("#go").await;
    let second = alice.post("#rust second").await;
    let mut stream = linnet.stream_after("rust", &cursor).await;
    let event = tells(&mut stream, "CREATED", &first, Some("#rust first")).await;
    tells(&mut stream, "CREATED", &second, Some("#rust second")).await;
    let third = alice.post("#rust third").await;
    let last = tells(&mut stream, "CREATED", &third, Some("#rust third")).await;

    // The cursor of any event goes on right behind it, in any stream.
    let mut stream = linnet.stream_after("rust", &event.cursor).await;
    tells(&mut stream, "CREATED", &second, Some("#rust second")).await;
    let mut other = linnet.stream_after("go", &last.cursor).await;
    let more = alice.post("#go more").await;
    tells(&mut other, "CREATED", &more, Some("#go more")).await;
}

#[tokio::test]
async fn a_replay_never_shows_what_was_changed_or_deleted_since() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let cursor = alice.cursor().await;
    let (kept, gone) = (alice.post("#rust old").await, alice.post("#rust secret").await);
    alice.edit(&kept, "#rust new").await;
    alice.delete(&gone).await;
    // Twice: what the first reader left in memory is no other answer.
    for _ in 0..2 {
        let mut stream = linnet.stream_after("rust", &cursor).await;
        tells(&mut stream, "CREATED", &kept, Some("#rust new")).await;
        tells(&mut stream, "CREATED", &gone, None).await;
        tells(&mut stream, "UPDATED", &kept, Some("#rust new")).await;
        tells(&mut stream, "DELETED", &gone, None).await;
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let linnet = Linnet::start().await;
    let page = linnet
        .person("alice")
        .await
        .ask("{ users(contains: \"a\") { pageInfo { endCursor } } }", json!({}))
        .await;
    let page = page["users"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    for after in ["", "garbage", "AAAA", "\u{1F600}", &page] {
        let refused = refusal(&linnet, after).await;
        assert_eq!(refused, ("BAD_USER_INPUT".into(), Some("after".into())), "{after}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_database_alone() {
    let (linnet, other) = (Linnet::start().await, Linnet::start().await);
    // The newest event of each, which has the same number in both.
    let cursor = other.anybody().cursor().await;
    assert_eq!(refusal(&linnet, &cursor).await.0, "CURSOR_EXPIRED");
    // A place that this one has never reached.
    other.person("alice").await.post("#rust").await;
    let cursor = other.anybody().cursor().await;
    assert_eq!(refusal(&linnet, &cursor).await.0, "CURSOR_EXPIRED");
}

#[tokio::test]
async fn a_cursor_from_before_a_restored_copy_is_noticed() {
    let mut linnet = Linnet::start().await;
    let mut alice = linnet.person("alice").await;
    alice.post("#rust").await;
    let kept = alice.cursor().await;
    linnet.terminate().await;
    linnet.back_up();
    linnet.restart().await;
    alice = alice.at(&linnet);
    alice.post("#rust lost").await;
    let lost = alice.cursor().await;
    linnet.terminate().await;
    linnet.restore();
    linnet.restart().await;
    alice = alice.at(&linnet);

    // Not reached yet, then another event.
    assert_eq!(refusal(&linnet, &lost).await.0, "CURSOR_EXPIRED");
    let other = alice.post("#rust other").await;
    assert_eq!(refusal(&linnet, &lost).await.0, "CURSOR_EXPIRED");
    let mut stream = linnet.stream_after("rust", &kept).await;
    tells(&mut stream, "CREATED", &other, Some("#rust other")).await;
}

#[tokio::test]
async fn a_new_database_begins_with_a_good_cursor() {
    let linnet = Linnet::start().await;
    let cursor = linnet.anybody().cursor().await;
    let mut stream = linnet.stream_after("rust", &cursor).await;
    let id = linnet.person("alice").await.post("#rust").await;
    tells(&mut stream, "CREATED", &id, Some("#rust")).await;
}

#[tokio::test]
async fn an_event_is_kept_until_the_next_one_is_old() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--event-retention", "1s"]).await;
    let alice = linnet.person("alice").await;
    let old = alice.cursor().await;
    alice.post("#rust 1").await;
    assert_eq!(
        linnet.stream_after("rust", &old).await.next().await.text.as_deref(),
        Some("#rust 1")
    );
    let newest = alice.cursor().await;
    until("the old cursor expires", || async {
        let begun = linnet.stream_after("rust", &old).await.begin().await;
        begun.is_err_and(|error| error["code"] == "CURSOR_EXPIRED")
    })
    .await;
    // The newest stays, however old it is.
    assert_eq!(alice.cursor().await, newest);
    let mut stream = linnet.stream_after("rust", &newest).await;
    let id = alice.post("#rust 2").await;
    tells(&mut stream, "CREATED", &id, Some("#rust 2")).await;
}

#[tokio::test]
async fn a_deleted_account_takes_each_of_its_tweets() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let mut expected = Vec::new();
    for number in 0..120 {
        expected.push(alice.post(&format!("{number} #rust")).await);
    }
    bob.post("stays #rust").await;
    let mut stream = linnet.stream("rust").await;
    let before = bob.cursor().await;
    alice
        .write("deleteAccount", json!({ "password": "correct horse" }))
        .await;
    let texts: Vec<_> = bob.tagged("rust").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["stays #rust"]);

    expected.sort_unstable();
    for stream in [&mut stream, &mut linnet.stream_after("rust", &before).await] {
        let events = stream.take(expected.len()).await;
        let mut gone: Vec<_> = events.iter().map(|event| event.id.clone()).collect();
        gone.sort_unstable();
        assert_eq!(gone, expected);
        assert!(
            events
                .iter()
                .all(|event| event.kind == "DELETED" && event.text.is_none())
        );
    }
    until("the count follows", || async {
        let data = bob.ask(r#"{ hashtag(name: "rust") { tweetCount } }"#, json!({})).await;
        data["hashtag"]["tweetCount"] == 1
    })
    .await;
}

#[tokio::test]
async fn open_streams_are_counted() {
    let linnet = Linnet::start().await;
    let open = || linnet.metric("linnet_subscriptions");
    let (one, two) = (linnet.stream("rust").await, linnet.stream("rust").await);
    assert_eq!(open().await, 2.0);
    drop(one);
    until("one is left", || async { open().await == 1.0 }).await;
    // What ends at once is no open stream.
    assert_eq!(refusal(&linnet, "garbage").await.0, "BAD_USER_INPUT");
    until("one is left", || async { open().await == 1.0 }).await;
    drop(two);
    until("none is left", || async { open().await == 0.0 }).await;
}

const TAGS: [&str; 5] = ["red", "green", "blue", "gold", "grey"];

fn some_text(random: &mut StdRng) -> String {
    let tags: Vec<_> = TAGS.iter().filter(|_| random.random_bool(0.4)).collect();
    let words: Vec<_> = tags.iter().map(|tag| format!("#{tag}")).collect();
    format!("{} {}", random.random::<u32>(), words.join(" "))
}

/// Something that a person does: posts, or edits or deletes one of their tweets.
async fn act(person: &Person, own: &mut Vec<String>, random: &mut StdRng) {
    let text = some_text(random);
    if own.is_empty() || random.random_bool(0.4) {
        own.push(person.post(&text).await);
        return;
    }
    let index = random.random_range(0..own.len());
    if random.random_bool(0.7) {
        person.edit(&own[index], &text).await;
    } else {
        person.delete(&own.swap_remove(index)).await;
    }
}

#[tokio::test]
async fn events_add_up_to_what_the_hashtag_holds() {
    let seed = std::env::var("SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let linnet = Linnet::start().await;
    let people = join_all(["ann", "ben", "cleo", "dan"].map(|name| linnet.person(name))).await;
    let mut own = vec![Vec::new(); people.len()];
    let reader = linnet.anybody();
    let mut known = join_all(TAGS.map(|tag| Known::new(&linnet, tag))).await;
    for _ in 0..50 {
        let acting = people.iter().zip(&mut own).map(|(person, own)| {
            let mut random = StdRng::seed_from_u64(random.random());
            async move { act(person, own, &mut random).await }
        });
        join_all(acting).await;
        for known in &mut known {
            if random.random_bool(0.1) {
                known.resume(&linnet).await;
            }
            known.catch_up(&reader).await;
        }
    }
}
