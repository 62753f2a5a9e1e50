//! An authority of a test's own, and a server's certificate that it has signed.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::skip;

/// Certificates for a server on this machine.
pub struct Certificate(TempDir);

impl Certificate {
    /// Makes them; none where there is no `openssl`.
    pub fn new() -> Option<Self> {
        let made = Self(tempfile::tempdir().unwrap());
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let authority = [
            "req",
            "-x509",
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
            "-days",
            "2",
        ];
        let names = [
            "-subj",
            "/CN=Linnet's tests",
            "-addext",
            "keyUsage=critical,keyCertSign",
        ];
        if !made.openssl(&[&authority[..], &key, &names].concat()) {
            skip("no openssl");
            return None;
        }
        let request = [
            "req",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
            "-subj",
            "/CN=localhost",
        ];
        assert!(made.openssl(&[&request[..], &key].concat()));
        std::fs::write(made.path("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        let sign = [
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-out",
            "server.pem",
            "-days",
            "2",
            "-extfile",
            "names",
        ];
        let by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial"];
        assert!(made.openssl(&[&sign[..], &by].concat()));
        Some(made)
    }

    fn openssl(&self, arguments: &[&str]) -> bool {
        let made = Command::new("openssl").args(arguments).current_dir(&self.0).output();
        made.is_ok_and(|output| output.status.success())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Who has signed it.
    pub fn authority(&self) -> String {
        text(&self.path("authority.pem"))
    }

    /// What the server shows.
    pub fn chain(&self) -> String {
        text(&self.path("server.pem"))
    }

    /// What only the server knows.
    pub fn key(&self) -> String {
        text(&self.path("server.key"))
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
