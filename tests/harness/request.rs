//! Requests to a running server.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::{Linnet, Socket, soon};

impl Linnet {
    /// A request by GET.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client().get(format!("{}{path}", self.url()))
    }

    /// A request by POST.
    pub fn post_to(&self, path: &str) -> RequestBuilder {
        self.client().post(format!("{}{path}", self.url()))
    }

    /// A request by POST to `/graphql`.
    pub fn post(&self) -> RequestBuilder {
        self.post_to("/graphql")
    }

    /// Executes an operation and gives the whole answer.
    pub async fn graphql(&self, query: &str, variables: Value, token: Option<&str>) -> Value {
        let mut request = self.post().json(&json!({ "query": query, "variables": variables }));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        body(send(request).await).await
    }

    /// Makes an account and gives its token.
    pub async fn sign_up(&self, username: &str) -> String {
        let answer = self
            .graphql(
                "mutation($input: SignUpInput!) { signUp(input: $input) { token } }",
                json!({ "input": { "username": username, "password": "correct horse" } }),
                None,
            )
            .await;
        let token = answer["data"]["signUp"]["token"].as_str();
        token.unwrap_or_else(|| panic!("no token: {answer}")).to_owned()
    }

    /// An acknowledged WebSocket.
    pub async fn websocket(&self, token: Option<&str>) -> Socket {
        let mut socket = Socket::open(self.address()).await;
        socket.init(token).await;
        socket
    }

    /// The value of one metric, with its labels: `linnet_requests_total{status="200"}`.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = soon("metrics", send(self.get("/metrics")).await.text()).await.unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
            .unwrap_or(0.0)
    }
}

/// Sends a request.
pub async fn send(request: RequestBuilder) -> Response {
    soon("an answer", request.send()).await.unwrap()
}

/// The body of an answer, which is JSON.
pub async fn body(response: Response) -> Value {
    soon("a body", response.json()).await.unwrap()
}
