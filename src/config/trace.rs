//! Where traces go, and how many.

use crate::trace::Options;
use clap::Args;
use url::Url;

/// The options of traces, as typed.
#[derive(Args, Clone, Debug)]
pub struct TraceFlags {
    /// Where to send traces, by OTLP over HTTP: http(s)://HOST:4318
    #[arg(long, env = "LINNET_OTLP_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    otlp_endpoint: Option<String>,

    /// The part of requests and executions that is traced, 0 to 1
    #[arg(long, env = "LINNET_TRACE_RATIO", value_name = "RATIO", default_value = "1", value_parser = ratio)]
    trace_ratio: f64,
}

impl TraceFlags {
    /// What to trace with, if traces are asked for.
    #[must_use]
    pub fn options(self) -> Option<Options> {
        let ratio = self.trace_ratio;
        self.otlp_endpoint.map(|endpoint| Options { endpoint, ratio })
    }
}

/// The address that takes traces: below the collector's own, unless it is already the whole.
fn endpoint(text: &str) -> Result<String, String> {
    const PATH: &str = "/v1/traces";
    let url = Url::parse(text).ok();
    let url = url.filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let mut url = url.ok_or_else(|| format!("`{text}` is no address such as http://127.0.0.1:4318"))?;
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(PATH) {
        url.set_path(&format!("{path}{PATH}"));
    }
    Ok(url.into())
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("must be a number from 0 to 1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_takes_traces_at_a_path_of_its_own() {
        for (typed, used) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://otel:4318/", "http://otel:4318/v1/traces"),
            ("https://example.org/otlp", "https://example.org/otlp/v1/traces"),
            ("http://otel:4318/v1/traces", "http://otel:4318/v1/traces"),
        ] {
            assert_eq!(endpoint(typed).as_deref(), Ok(used));
        }
        for wrong in ["", "otel:4317", "grpc://otel:4317", "http://"] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_ratio_is_a_part() {
        assert_eq!(ratio("0.01"), Ok(0.01));
        for wrong in ["", "2", "-0.1", "NaN", "all"] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }
}
