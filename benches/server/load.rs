//! Clients that ask, and check what they get.

use super::data::Numbers;
use futures_util::future::join_all;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is asked of a server.
pub struct Load<'d> {
    pub address: SocketAddr,
    /// A request, drawn by a number.
    pub request: Box<dyn Fn(usize) -> String + 'd>,
    /// How many rows each answer has.
    pub rows: Option<usize>,
}

/// What came of it; times in seconds.
#[derive(Clone, Copy)]
pub struct Seen {
    pub requests: f64,
    pub per_second: f64,
    pub median: f64,
    pub slow: f64,
    /// CPU of the server for a request.
    pub cpu: f64,
}

/// A request over HTTP/1.1.
pub fn request(body: &str, token: Option<&str>) -> String {
    let token = token
        .map(|token| format!("authorization: Bearer {token}\r\n"))
        .unwrap_or_default();
    let length = body.len();
    format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         {token}content-length: {length}\r\n\r\n{body}"
    )
}

/// A connection that is kept open.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let buffer = Vec::with_capacity(1 << 16);
        Self { stream, buffer }
    }

    /// Asks and gives the body of the answer.
    async fn ask(&mut self, request: &str) -> &str {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert!(
                self.stream.read_buf(&mut self.buffer).await.unwrap() > 0,
                "the server hung up"
            );
            let Some(head) = self.buffer.windows(4).position(|end| end == b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.buffer[..head]).unwrap().to_ascii_lowercase();
            assert!(text.starts_with("http/1.1 200 "), "{text}");
            let (_, length) = text.split_once("content-length: ").unwrap();
            let length: usize = length.lines().next().unwrap().trim().parse().unwrap();
            if self.buffer.len() == head + 4 + length {
                return std::str::from_utf8(&self.buffer[head + 4..]).unwrap();
            }
        }
    }
}

impl Load<'_> {
    async fn one(&self, connection: &mut Connection, n: usize) {
        let answer = connection.ask(&(self.request)(n)).await;
        assert!(!answer.contains("\"errors\""), "{answer}");
        if let Some(rows) = self.rows {
            assert_eq!(answer.matches("\"username\":").count(), rows, "{answer}");
        }
    }

    /// Makes each of so many requests once.
    pub async fn once(&self, count: usize) {
        let mut connection = Connection::open(self.address).await;
        for n in 0..count {
            self.one(&mut connection, n).await;
        }
    }

    /// So many clients, each of whom asks as soon as it has its answer.
    pub async fn closed(&self, clients: usize, time: Duration) -> Seen {
        let (numbers, times) = (RefCell::new(Numbers(4)), RefCell::new(Vec::new()));
        let mut connections = Vec::new();
        for _ in 0..clients {
            connections.push(Connection::open(self.address).await);
        }
        let begin = Instant::now();
        join_all(connections.iter_mut().map(async |connection| {
            while begin.elapsed() < time {
                let n = usize::try_from(numbers.borrow_mut().next() >> 32).unwrap();
                let asked = Instant::now();
                self.one(connection, n).await;
                times.borrow_mut().push(asked.elapsed().as_secs_f64());
            }
        }))
        .await;
        seen(times.into_inner(), begin.elapsed())
    }

    /// One client, who asks so many times a second.
    pub async fn paced(&self, rate: f64, time: Duration) {
        let mut connection = Connection::open(self.address).await;
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
        let asked = Cell::new(0);
        let begin = Instant::now();
        while begin.elapsed() < time {
            ticks.tick().await;
            asked.set(asked.get() + 1);
            self.one(&mut connection, asked.get()).await;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn seen(mut times: Vec<f64>, all: Duration) -> Seen {
    times.sort_by(f64::total_cmp);
    let count = times.len();
    Seen {
        requests: count as f64,
        per_second: count as f64 / all.as_secs_f64(),
        median: times[count / 2],
        slow: times[count * 99 / 100],
        cpu: 0.0,
    }
}
