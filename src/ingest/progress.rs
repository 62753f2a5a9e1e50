//! How ingestion goes, for whoever watches a terminal.

use super::metrics::Metrics;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often the line is drawn anew.
const INTERVAL: Duration = Duration::from_millis(500);

/// Shows frames and tweets in one line of standard error, if that is a terminal, until it is
/// cancelled.
pub async fn show(metrics: Metrics, stop: CancellationToken) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        bar.set_style(style);
    }
    let mut before = metrics.frames_and_tweets().0;
    loop {
        let (frames, tweets) = metrics.frames_and_tweets();
        let speed = (frames - before) as f64 / INTERVAL.as_secs_f64();
        before = frames;
        bar.set_message(format!("{frames} frames ({speed:.0} a second), {tweets} tweets"));
        bar.tick();
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
    bar.finish_and_clear();
}
