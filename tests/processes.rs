//! Commands beside a running server, a second server, and the end of one.

use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::harness::request::{body, send};
use crate::harness::{Linnet, Person, id, until};

/// What another process has done shows within a second.
async fn within_a_second<F: Future<Output = bool>>(what: &str, ask: impl FnMut() -> F) {
    tokio::time::timeout(Duration::from_secs(1), until(what, ask))
        .await
        .unwrap_or_else(|_| panic!("{what}: not within a second"));
}

async fn user(reader: &Person, username: &str) -> Value {
    let query = "query($name: String!) { user(username: $name) { isModerator } }";
    reader.ask(query, json!({ "name": username })).await["user"].take()
}

async fn log_in(reader: &Person, username: &str, password: &str) -> Option<Value> {
    let query = "mutation($input: LogInInput!) { logIn(input: $input) { token } }";
    let input = json!({ "username": username, "password": password });
    reader.try_ask(query, json!({ "input": input })).await
}

#[tokio::test]
async fn a_new_token_is_good_at_once() {
    let linnet = Linnet::start().await;
    linnet.sign_up("alice").await;
    linnet.sign_up("bob").await;
    let output = linnet.tell(&["token", "create", "bob", "alice"], "").await;
    let tokens = String::from_utf8(output.stdout).unwrap();
    let tokens: Vec<_> = tokens.lines().collect();
    for (token, name) in tokens.iter().zip(["bob", "alice"]) {
        let data = linnet.bearer(token).ask("{ viewer { username } }", json!({})).await;
        assert_eq!(data["viewer"]["username"], name);
        linnet.websocket(Some(token)).await.quiet().await;
    }
    assert_eq!(tokens.len(), 2);
}

#[tokio::test]
async fn commands_wait_for_writers_and_writers_for_commands() {
    let linnet = Linnet::start().await;
    let people = join_all((0..8).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("user{number}")).await }
    }))
    .await;
    let writing = join_all(people.iter().map(|person| async {
        for number in 0..40 {
            person.post(&format!("{number} #rust")).await;
        }
    }));
    let commands = join_all((0..6).map(|number| {
        let linnet = &linnet;
        async move {
            let name = format!("user{number}");
            let output = linnet.tell(&["token", "create", &name], "").await;
            let token = String::from_utf8(output.stdout).unwrap();
            let data = linnet
                .bearer(token.trim())
                .ask("{ viewer { username } }", json!({}))
                .await;
            assert_eq!(data["viewer"]["username"], *name);
        }
    }));
    tokio::join!(writing, commands);
    let file = linnet.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

#[tokio::test]
async fn a_writer_elsewhere_holds_up_writes_alone() {
    let linnet = Linnet::start().await;
    let people = join_all((0..8).map(|number| {
        let linnet = &linnet;
        async move { linnet.person(&format!("user{number}")).await }
    }))
    .await;
    let tweet = people[0].post("#rust").await;
    // Somebody reads for long: what they see stays, and nobody waits for them.
    let file = linnet.file().await;
    let frozen = file.freeze().await;
    let held = linnet.hold().await;
    let writing = join_all(people.iter().map(|person| person.post("later #rust")));
    let reading = async {
        let query = "query($id: ID!) { tweet(id: $id) { text likers(first: 5) { nodes { id } } } }";
        for _ in 0..50 {
            people[1].ask(query, json!({ "id": tweet })).await;
        }
        assert_eq!(people[1].tagged("rust").await.len(), 1, "nobody could write");
        held.rollback().await.unwrap();
    };
    tokio::join!(writing, reading);
    assert_eq!(people[1].tagged("rust").await.len(), 9);
    frozen.rollback().await.unwrap();
}

#[tokio::test]
async fn users_are_made_and_promoted_beside_the_server() {
    let linnet = Linnet::start().await;
    let reader = linnet.anybody();
    assert!(user(&reader, "carol").await.is_null());
    linnet.tell(&["user", "create", "carol"], "correct horse\n").await;
    within_a_second("carol is there", || async { !user(&reader, "carol").await.is_null() }).await;
    let answer = log_in(&reader, "carol", "correct horse").await.unwrap();
    assert!(answer["data"]["logIn"]["token"].is_string(), "{answer}");

    assert_eq!(user(&reader, "carol").await["isModerator"], false);
    linnet.tell(&["user", "promote", "carol"], "").await;
    within_a_second("carol keeps order", || async {
        user(&reader, "carol").await["isModerator"] == true
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_all_sessions() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    alice.post("before").await;
    let mut socket = linnet.websocket(alice.token.as_deref()).await;
    let query = r#"subscription { hashtagStream(hashtag: "rust") { cursor } }"#;
    socket.subscribe("1", query).await;
    socket.quiet().await;

    linnet
        .tell(&["user", "set-password", "alice"], "battery staple\n")
        .await;
    let closed = tokio::time::timeout(Duration::from_secs(1), socket.closed());
    assert_eq!(closed.await.expect("the end of the socket").0, 4403);
    let request = linnet.post().bearer_auth(alice.token.as_ref().unwrap());
    let answer = send(request.json(&json!({ "query": "{ __typename }" }))).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(body(answer).await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");

    let reader = linnet.anybody();
    let old = log_in(&reader, "alice", "correct horse").await.unwrap();
    assert_eq!(old["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let new = log_in(&reader, "alice", "battery staple").await.unwrap();
    assert!(new["data"]["logIn"]["token"].is_string(), "{new}");
}

/// Rows of tweets, a second apart up to a time, the oldest first.
fn rows(number: usize, kind: &str, newest: Timestamp) -> String {
    let row = |index: usize| {
        let at = newest - i64::try_from(number - index).unwrap().seconds();
        let text = format!("{kind} {index} #rust");
        format!(
            "{}\n",
            json!({ "id": format!("{kind}{index}"), "username": "feed", "text": text, "createdAt": at.to_string() })
        )
    };
    (0..number).map(row).collect()
}

/// The server's time.
async fn now(person: &Person) -> Timestamp {
    let tweet = person.post("what time is it").await;
    let query = "query($id: ID!) { tweet(id: $id) { createdAt } }";
    let data = person.ask(query, json!({ "id": tweet })).await;
    data["tweet"]["createdAt"].as_str().unwrap().parse().unwrap()
}

/// A hashtag's count, and the number in the text of its newest tweet.
async fn state(reader: &Person) -> (i64, i64) {
    let query = r#"{ hashtag(name: "rust") { tweetCount tweets(first: 1) { nodes { text } } } }"#;
    let data = reader.ask(query, json!({})).await;
    let hashtag = &data["hashtag"];
    let text = hashtag["tweets"]["nodes"][0]["text"].as_str();
    let number = text.and_then(|text| text.split(' ').nth(1)?.parse().ok());
    (hashtag["tweetCount"].as_i64().unwrap_or(0), number.unwrap_or(-1))
}

#[tokio::test]
async fn an_import_shows_as_it_comes_in_and_never_goes_back() {
    const NUMBER: usize = 3_000;
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let rows = rows(NUMBER, "old", now(&alice).await - 48.hours());
    let readers = [linnet.anybody(), linnet.anybody()];
    let all = (i64::try_from(NUMBER).unwrap(), i64::try_from(NUMBER - 1).unwrap());
    let importing = linnet.tell(&["import", "tweets", "-"], &rows);
    let reading = async {
        let (mut seen, mut states) = ((0, -1), 0);
        while seen != all {
            for reader in &readers {
                let shown = state(reader).await;
                assert!(shown.0 >= seen.0 && shown.1 >= seen.1, "{shown:?} after {seen:?}");
                states += i32::from(shown != seen);
                seen = shown;
            }
        }
        states
    };
    let imported = async {
        importing.await;
        within_a_second("everything is in", || async { state(&readers[0]).await == all }).await;
    };
    let (states, ()) = tokio::join!(reading, imported);
    assert!(states > 1, "the import was never seen under way");
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn streams_bring_only_the_imported_rows_of_a_day() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let now = now(&alice).await;
    let mut stream = linnet.stream("rust").await;
    let file = rows(30, "old", now - 25.hours()) + &rows(30, "new", now - 1.minute());
    linnet.tell(&["import", "tweets", "-"], &file).await;
    let mut texts = Vec::new();
    for event in stream.take(30).await {
        assert_eq!(event.kind, "CREATED");
        texts.push(event.text.unwrap());
    }
    texts.sort_unstable();
    let mut expected: Vec<_> = (0..30).map(|index| format!("new {index} #rust")).collect();
    expected.sort_unstable();
    assert_eq!(texts, expected);

    // Again, and nothing changes.
    linnet.tell(&["import", "tweets", "-"], &file).await;
    let last = alice.post("last #rust").await;
    assert_eq!(stream.next().await.id, last);
    assert_eq!(alice.tagged("rust").await.len(), 61);
}

#[tokio::test]
async fn an_import_and_writers_take_turns() {
    let linnet = Linnet::start().await;
    let people = join_all(["ann", "ben"].map(|name| linnet.person(name))).await;
    let rows = rows(1_000, "old", now(&people[0]).await - 48.hours());
    let importing = linnet.tell(&["import", "tweets", "-"], &rows);
    let writing = join_all(people.iter().map(|person| async {
        for number in 0..50 {
            let input = json!({ "text": format!("{number} #rust") });
            let tweet = id(&person.write("postTweet", input).await["tweet"]);
            // At once, whatever comes in beside it.
            assert_eq!(
                person
                    .ask("query($id: ID!) { tweet(id: $id) { id } }", json!({ "id": tweet }))
                    .await["tweet"]["id"],
                *tweet
            );
        }
    }));
    tokio::join!(importing, writing);
    within_a_second("everything is in", || async {
        people[0].tagged("rust").await.len() == 1_100
    })
    .await;
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn a_file_has_one_server() {
    let linnet = Linnet::start().await;
    if !linnet.is_on_a_file() {
        return;
    }
    let second = linnet.command(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty());
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    // The first one never noticed.
    linnet.person("alice").await.post("still here").await;
}

#[tokio::test]
async fn the_end_takes_ten_seconds_at_the_most() {
    let mut linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let streams = join_all((0..20).map(|_| linnet.stream("rust"))).await;
    // Some answer the close frame, one never does.
    let silent = linnet.stream("rust").await;
    alice.post("#rust").await;
    let closing = join_all(streams.into_iter().map(|stream| stream.closed()));
    let ending = tokio::time::timeout(Duration::from_secs(10), linnet.terminate());
    let (codes, status) = tokio::join!(closing, ending);
    assert!(status.expect("an end within 10 seconds").success());
    assert!(codes.iter().all(|code| *code == 1001), "{codes:?}");
    drop(silent);
}

#[tokio::test]
async fn a_server_that_has_ended_leaves_one_file() {
    let mut linnet = Linnet::start().await;
    if !linnet.is_on_a_file() {
        return;
    }
    linnet.person("alice").await.post("#rust").await;
    let stream = linnet.stream("rust").await;
    let (status, code) = tokio::join!(linnet.terminate(), stream.closed());
    assert!(status.success());
    assert_eq!(code, 1001);
    assert!(!std::fs::exists(format!("{}-wal", linnet.database_path())).unwrap());
}
