//! Whether the options go together, and are meant for what they are used for.

use crate::config::Config;
use crate::model::finding::Finding;
use std::net::IpAddr;

const ABOUT: &str = "configuration";

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(wrong) = super::super::serve::trusted(&config.trust) {
        findings.push(Finding::failed(ABOUT, format!("--trusted-documents: {wrong}")));
    }
    let is_open = !config.listen.ip().is_loopback();
    if is_open && !config.production {
        let says = "everybody may introspect the API and use GraphiQL; set --production where it stands in the open";
        findings.push(Finding::warning(ABOUT, says));
    }
    if !config.rate_limit {
        let says = "--rate-limit off lets anybody do anything as often as they like; it is meant for tests";
        findings.push(Finding::warning(ABOUT, says));
    }
    let strangers: [IpAddr; 2] = [[203, 0, 113, 1].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()];
    if strangers
        .into_iter()
        .any(|address| config.trusted_proxies.contain(address))
    {
        let says = "--trusted-proxies names everybody, so anybody may claim any address; name your proxies alone";
        findings.push(Finding::failed(ABOUT, says));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(ABOUT, "the options go together"));
    }
    findings
}
