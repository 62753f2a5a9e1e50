//! A small world: replies, retweets, mentions and likes that point forwards and backwards.

use linnet::transfer::Kind;

/// The files of the world, each with rows that come twice.
pub fn sample() -> Vec<(Kind, Vec<String>)> {
    vec![
        (Kind::Users, users()),
        (Kind::Tweets, tweets()),
        (Kind::Follows, follows()),
        (Kind::Likes, likes()),
        (Kind::Actions, actions()),
    ]
}

fn name(n: usize) -> String {
    format!("user_{}", n % 17)
}

fn time(n: usize) -> String {
    format!("2020-0{}-{:02}T{:02}:00:{:02}Z", 1 + n % 7, 1 + n % 28, n % 24, n % 60)
}

fn users() -> Vec<String> {
    let row = |n: usize| {
        format!(
            r#"{{"username":"{}","displayName":"User {n}","bio":"bio {n}","createdAt":"2019-01-01T00:00:00Z"}}"#,
            name(n)
        )
    };
    (0..9).chain([3]).map(row).collect()
}

/// 400 tweets of several sources: every fifth a reply, every ninth a retweet.
pub fn tweets() -> Vec<String> {
    let row = |n: usize| {
        let refers = match n {
            _ if n % 9 == 4 => format!(r#","retweetOfId":"t{}""#, (n * 7 + 3) % 480),
            _ if n % 5 == 2 => format!(r#","inReplyToId":"t{}""#, (n * 11 + 1) % 480),
            _ => String::new(),
        };
        let source = match n % 3 {
            0 => r#","source":"elsewhere""#,
            _ => "",
        };
        format!(
            r##"{{"id":"t{n}","username":"{}","displayName":"Name {}","text":"t{n} @user_{} @nobody_{} #tag{} #Ünï","createdAt":"{}","likes":{n}{refers}{source}}}"##,
            name(n * 5),
            n % 4,
            (n + 3) % 19,
            n % 6,
            n % 13,
            time(n),
        )
    };
    (0..400).chain([5, 17, 40]).map(row).collect()
}

fn follows() -> Vec<String> {
    let row = |n: usize| {
        let followee = match n {
            _ if n.is_multiple_of(12) => format!(r#"{{"type":"bird","id":"b{}"}}"#, n % 7),
            _ if n.is_multiple_of(4) => format!(r##""#tag{}""##, n % 15),
            _ => format!(r#""{}""#, name(n * 3 + 1)),
        };
        format!(
            r#"{{"follower":"{}","followee":{followee},"createdAt":"2020-03-01T00:00:00Z"}}"#,
            name(n)
        )
    };
    let rows = (0..90).chain([8]);
    rows.filter(|n| n % 4 == 0 || name(*n) != name(n * 3 + 1))
        .map(row)
        .collect()
}

fn likes() -> Vec<String> {
    let row = |n: usize| {
        format!(
            r#"{{"username":"{}","tweetId":"t{}","createdAt":"2021-01-01T00:00:00Z"}}"#,
            name(n * 3),
            (n * 13) % 430
        )
    };
    (0..200).chain([8]).map(row).collect()
}

/// Actions by users and birds, public and private; birds get their names from the newest action.
fn actions() -> Vec<String> {
    let row = |n: usize| {
        let actor = match n % 3 {
            0 => format!(r#"{{"type":"bird","id":"b{}","name":"Bird {n}"}}"#, n % 11),
            _ => format!(r#"{{"type":"user","id":"{}"}}"#, name(n)),
        };
        let target = match n % 4 {
            0 => "null".to_owned(),
            1 => format!(r#"{{"type":"user","id":"{}"}}"#, name(n * 2 + 1)),
            _ => format!(
                r#"{{"type":"wood","id":"w{}","url":"https://wood.example/{n}"}}"#,
                n % 5
            ),
        };
        let id = match n % 5 {
            0 => String::new(),
            _ => format!(r#""id":"a{n}","#),
        };
        format!(
            r#"{{{id}"actor":{actor},"verb":"sing","object":{{"type":"song","id":"s{}"}},"target":{target},"timestamp":"2020-02-01T00:{:02}:{:02}Z","public":{},"data":{{"n":{n}}}}}"#,
            n % 3,
            n / 60,
            n % 60,
            !n.is_multiple_of(7),
        )
    };
    (0..150).chain([8, 10]).map(row).collect()
}
