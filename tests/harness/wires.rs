//! Wires between Linnet and PostgreSQL, which can be cut at a commit or keep it back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::soon;

/// What a wire does when a commit passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It is cut before the commit.
    Before,
    /// It is cut behind it, before the answer.
    Behind,
}

/// Wires to a PostgreSQL. At a commit one is cut for each cut that was ordered.
pub struct Wires {
    port: u16,
    orders: Arc<Orders>,
}

#[derive(Default)]
struct Orders {
    before: AtomicUsize,
    behind: AtomicUsize,
    held: Mutex<Option<Hold>>,
}

/// Which transaction is to stay open.
struct Hold {
    text: &'static str,
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// A transaction that has written all that it writes, and stays open until this is dropped.
pub struct Held {
    reached: oneshot::Receiver<()>,
    _released: oneshot::Sender<()>,
}

impl Held {
    /// Waits until it is about to commit.
    pub async fn reached(&mut self) {
        soon("a commit", &mut self.reached).await.unwrap();
    }
}

impl Wires {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wires = Self {
            port: listener.local_addr().unwrap().port(),
            orders: Arc::default(),
        };
        let orders = Arc::clone(&wires.orders);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&orders)));
            }
        });
        wires
    }

    /// Where they begin.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn order(&self, cut: Cut) {
        let counter = match cut {
            Cut::Before => &self.orders.before,
            Cut::Behind => &self.orders.behind,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn are_cut(&self) -> bool {
        self.orders.before.load(Ordering::Relaxed) + self.orders.behind.load(Ordering::Relaxed) == 0
    }

    /// Keeps back the commit of the next transaction that writes a text.
    pub fn hold(&self, text: &'static str) -> Held {
        let ((reached, at), (release, released)) = (oneshot::channel(), oneshot::channel());
        *self.orders.held.lock() = Some(Hold {
            text,
            reached,
            released,
        });
        Held {
            reached: at,
            _released: release,
        }
    }
}

fn take(counter: &AtomicUsize) -> bool {
    let taken = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    taken.is_ok()
}

fn says(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

async fn carry(client: TcpStream, server: TcpStream, orders: Arc<Orders>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 65_536];
    let mut held = None;
    while let Ok(read) = from_client.read(&mut buffer).await {
        if read == 0 {
            break;
        }
        let said = &buffer[..read];
        let is_it = |hold: &mut Hold| says(said, hold.text.as_bytes());
        held = held.or_else(|| orders.held.lock().take_if(is_it));
        let commits = says(said, b"COMMIT\0");
        if commits && take(&orders.before) {
            break;
        }
        if commits && take(&orders.behind) {
            // The answer is kept back before the commit is sent.
            answers.abort();
            let _ = to_server.write_all(said).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            break;
        }
        if commits && let Some(hold) = held.take() {
            let _ = hold.reached.send(());
            let _ = hold.released.await;
        }
        if to_server.write_all(said).await.is_err() {
            break;
        }
    }
    answers.abort();
}
