//! Viewers who see different things in the same postings, all of which answer one tweet.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::fanout::{Group, Scene, document};
use crate::server::{Server, User, random_name, string};

/// Passwords take much of the CPU, which the server needs.
const AT_ONCE: usize = 4;

const SELECTION: &str = "id text viewerHasLiked
    author { username viewerIsFollowing viewerIsMuting viewerIsBlocking }
    inReplyTo { id viewerHasLiked viewerHasRetweeted }";

/// What a viewer has to do with whom.
#[derive(Clone, Copy)]
struct Ties {
    follows: bool,
    mutes: bool,
    blocks: bool,
    likes_root: bool,
    blocks_root: bool,
}

impl Ties {
    /// By primes, so that they meet.
    fn of(number: usize) -> Self {
        let every = |count| number.is_multiple_of(count);
        Self {
            follows: every(2),
            mutes: every(3),
            blocks: every(5),
            likes_root: every(7),
            blocks_root: every(11),
        }
    }
}

pub async fn scene(server: &Server, viewers: usize) -> Scene {
    let tag = random_name();
    let users = stream::iter((0..5).map(|_| server.sign_up())).buffered(AT_ONCE);
    let mut authors: Vec<_> = users.collect().await;
    let answered = authors.pop().unwrap();
    let root = string(&server.post(&answered, "What do you say?", None).await["id"]);
    let making = (0..viewers).map(|number| viewer(server, Ties::of(number), &authors, &answered, &root));
    let tokens: Vec<_> = stream::iter(making).buffered(AT_ONCE).collect().await;
    let groups = tokens.into_iter().enumerate().map(|(number, token)| {
        let ties = Ties::of(number);
        let followed = authors[1].name.clone();
        let root = root.clone();
        let hidden = [(ties.mutes, 2), (ties.blocks, 3)];
        Group {
            document: document(&tag, SELECTION),
            token: Some(token),
            hidden: hidden
                .into_iter()
                .filter(|(hides, _)| *hides)
                .map(|(_, author)| author)
                .collect(),
            sees: Box::new(move |tweet| seen(tweet, ties, &followed, &root)),
        }
    });
    Scene {
        groups: groups.collect(),
        authors,
        root: Some(root),
        tag,
    }
}

/// Makes a viewer, and gives the token.
async fn viewer(server: &Server, ties: Ties, authors: &[User], answered: &User, root: &str) -> String {
    let viewer = server.sign_up().await;
    let deeds = [
        (ties.follows, "follow(input: { targetId: $id })", authors[1].id.as_str()),
        (ties.mutes, "muteUser(input: { userId: $id })", &authors[2].id),
        (ties.blocks, "blockUser(input: { userId: $id })", &authors[3].id),
        (ties.likes_root, "likeTweet(input: { id: $id })", root),
        (ties.blocks_root, "blockUser(input: { userId: $id })", &answered.id),
    ];
    for (_, deed, id) in deeds.into_iter().filter(|(does, ..)| *does) {
        let mutation = format!("mutation($id: ID!) {{ {deed} {{ __typename }} }}");
        server.ask(Some(&viewer.token), &mutation, json!({ "id": id })).await;
    }
    viewer.token
}

fn seen(tweet: &Value, ties: Ties, followed: &str, root: &str) -> Value {
    let author = &tweet["author"]["username"];
    let in_reply_to = json!({ "id": root, "viewerHasLiked": ties.likes_root, "viewerHasRetweeted": false });
    json!({
        "id": tweet["id"],
        "text": tweet["text"],
        "viewerHasLiked": false,
        "author": {
            "username": author,
            "viewerIsFollowing": ties.follows && author == followed,
            "viewerIsMuting": false,
            "viewerIsBlocking": false,
        },
        "inReplyTo": if ties.blocks_root { Value::Null } else { in_reply_to },
    })
}
