//! A Mastodon server that is followed for walls: by their hashtags, and by their accounts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::fake::Fake;
use super::frames::status;
use super::{end, standing, texts};
use crate::harness::scene::Nobody;
use crate::harness::{Linnet, until};

fn update(status: &Value) -> (i64, String) {
    (0, format!("update\n{status}"))
}

#[tokio::test]
async fn a_server_is_followed_for_the_hashtags_that_walls_have_now() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    linnet.wall(&ann, "w", json!({ "hashtags": ["rust", "python"] })).await;
    let fake = Fake::start().await;
    let child = linnet.begin(&[
        "ingest",
        "mastodon",
        "--url",
        &fake.url("http"),
        "--wall",
        "w",
        "--hashtag",
        "rust",
    ]);
    let tags = || -> BTreeSet<String> { fake.lines().into_iter().collect() };
    let named = |tags: &[&str]| -> BTreeSet<String> { tags.iter().map(|tag| format!("tag={tag}")).collect() };
    until("its lines", || async { tags() == named(&["python", "rust"]) }).await;
    fake.send([update(&status(1, "ann", "<p>one</p>", &["rust"]))]);
    let reader = linnet.anybody();
    until("the first", || async { standing(&reader, "w").await.len() == 1 }).await;
    assert_eq!(fake.lines().len(), 2, "each hashtag once");
    linnet.wall(&ann, "w", json!({ "hashtags": ["go"] })).await;
    until("another line", || async { tags() == named(&["go", "python", "rust"]) }).await;
    until("the end of one", || async { fake.standing() == 2 }).await;
    fake.send([
        update(&status(2, "ann", "<p>two</p>", &["go"])),
        update(&status(3, "ann", "<p>three</p>", &["python"])),
        update(&status(4, "ann", "<p>four</p>", &["rust"])),
    ]);
    until("what is followed", || async {
        texts(&reader).await.into_values().collect::<BTreeSet<_>>() == ["one", "two", "four"].map(str::to_owned).into()
    })
    .await;
    end(child).await;
}

#[tokio::test]
async fn a_server_is_asked_for_the_accounts_of_walls() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("moderator").await;
    let names = json!({ "accounts": ["@Ann@Example.social", "@nobody@example.social", "sky.example.com"] });
    linnet.wall(&ann, "w", names).await;
    let fake = Fake::start().await;
    let written = |id: u64, text: &str| status(id, "ann", &format!("<p>{text}</p>"), &[]);
    let mut private = written(3, "secret");
    private["visibility"] = "private".into();
    fake.hold([written(1, "one"), written(2, "two"), private]);
    let arguments = ["ingest", "mastodon", "--url", &fake.url("http"), "--wall", "w"];
    let child = linnet.begin(&arguments);
    let reader = linnet.anybody();
    let texts_are = async |expected: &[&str]| {
        texts(&reader).await.into_values().collect::<BTreeSet<_>>()
            == expected.iter().map(ToString::to_string).collect()
    };
    until("what is there", || texts_are(&["one", "two"])).await;
    assert_eq!(standing(&reader, "w").await.len(), 2);
    let shown = linnet
        .ask(Nobody, "{ wall(slug: \"w\") { accounts { handle displayName } } }")
        .await;
    let known = &shown["wall"]["accounts"][0];
    assert_eq!(known["handle"], "@ann@example.social");
    assert_eq!(known["displayName"], "ann of example.social");
    until("the other's turn", || async {
        fake.asked()
            .iter()
            .any(|one| one == "lookup?acct=nobody@example.social")
    })
    .await;
    let asked = fake.asked();
    assert!(!asked.iter().any(|one| one.contains("sky")), "{asked:?}");
    end(child).await;
    // It goes on where it was.
    fake.hold([written(4, "three")]);
    let before = fake.asked().len();
    let child = linnet.begin(&arguments);
    until("what came", || texts_are(&["one", "two", "three"])).await;
    let asked = fake.asked().split_off(before);
    assert!(asked.iter().any(|one| one.contains("min_id=3")), "{asked:?}");
    end(child).await;
}

#[tokio::test]
async fn nothing_to_follow_is_told() {
    let linnet = Linnet::start().await;
    let cases: [(&[&str], i32, &str); 2] = [
        (&["ingest", "mastodon", "--url", "http://x"], 2, "--hashtag"),
        (
            &["ingest", "mastodon", "--url", "http://x", "--wall", "nowhere"],
            1,
            "there is no wall nowhere",
        ),
    ];
    for (arguments, status, reason) in cases {
        let output = linnet.command(arguments).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{told}");
        assert!(told.contains(reason) && told.trim_end().lines().count() == 1, "{told}");
    }
}
