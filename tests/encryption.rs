//! PostgreSQL and NATS over TLS, as their addresses ask for it: who shows another certificate is not
//! spoken to.

use std::sync::Arc;

use crate::harness::{Certificate, Database, Linnet, Nats, Run, postgres, until};

/// A PostgreSQL that shows a certificate.
fn encrypted(certificate: &Certificate) -> Option<Arc<postgres::Server>> {
    if !postgres::is_there() {
        return None;
    }
    let server = postgres::Server::start().unwrap();
    server.encrypt(&certificate.chain(), &certificate.key()).unwrap();
    Some(Arc::new(server))
}

#[tokio::test]
async fn a_database_is_spoken_to_as_its_address_says() {
    let (Some(mine), Some(others)) = (Certificate::new(), Certificate::new()) else {
        return;
    };
    let Some(server) = encrypted(&mine) else { return };
    let database = postgres::Database::of(server);
    let verified = |certificate: &Certificate| format!("sslmode=verify-full&sslrootcert={}", certificate.authority());
    let refused = database.url_with(&verified(&others));
    for command in ["migrate", "doctor"] {
        let output = Run::new(&[command, "--database-url", &refused]).output().await;
        let told = format!("{output:?}");
        assert!(!output.status.success(), "{told}");
        assert!(told.contains("certificate"), "{told}");
    }
    let database = database.asking(&verified(&mine));
    let url = database.url();
    let linnet = Linnet::at(Arc::new(Database::Postgres(database)), &[]).await;
    let ann = linnet.join("ann").await;
    linnet.tweet(&ann, "said in private").await;
    let Database::Postgres(database) = &*linnet.database() else {
        unreachable!()
    };
    let plain = "SELECT COUNT(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) \
                 WHERE datname = current_database() AND application_name <> 'psql' AND NOT ssl";
    assert_eq!(database.psql(plain).trim(), "0");
    let output = Run::new(&["doctor", "--database-url", &url, "--listen", linnet.address()])
        .output()
        .await;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed: Vec<&str> = told.lines().filter(|line| line.starts_with("failed")).collect();
    // What the tests' server has to be told of, and nothing else.
    assert_eq!(failed.len(), 2, "{told}");
    assert!(failed.iter().all(|line| line.contains("settings")), "{told}");
    for about in [
        "database: PostgreSQL",
        "schema: up to date",
        "pg_trgm: installed",
        "connections: ",
        "clocks: ",
    ] {
        assert!(told.contains(&format!("ok       {about}")), "{about}: {told}");
    }
}

#[tokio::test]
async fn a_broker_is_spoken_to_as_its_address_says() {
    let (Some(mine), Some(others)) = (Certificate::new(), Certificate::new()) else {
        return;
    };
    let options = [
        "--tls",
        "--tlscert",
        &mine.chain(),
        "--tlskey",
        &mine.key(),
        "--user",
        "linnet",
        "--pass",
        "s3cret",
    ];
    let Some(nats) = Nats::start(&options).await else {
        return;
    };
    if !postgres::is_there() {
        return;
    }
    let url = nats.url_of("linnet:s3cret").replace("nats://", "tls://");
    let database = Arc::new(Database::Postgres(postgres::Database::new()));
    let known = format!("SSL_CERT_FILE={}", mine.authority());
    let unknown = format!("SSL_CERT_FILE={}", others.authority());
    let right = Linnet::at(Arc::clone(&database), &["--broker-url", &url, &known]).await;
    right.until_ready_is("broker", "ok", 200).await;
    let wrong = Linnet::at(Arc::clone(&database), &["--broker-url", &url, &unknown]).await;
    until("a word about it", async || wrong.log().contains("certificate")).await;
    wrong.until_ready_is("broker", "unavailable", 200).await;
    for (authority, expected) in [(&mine, "NATS answers"), (&others, "NATS is out of reach")] {
        let run = Run::new(&[
            "doctor",
            "--database-url",
            &database.url(),
            "--broker-url",
            &url,
            "--listen",
            right.address(),
        ]);
        let output = run.variable("SSL_CERT_FILE", &authority.authority()).output().await;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains(expected), "{told}");
    }
    // Without a certificate of its own nobody is asked in the open.
    let open = nats.url_of("linnet:s3cret");
    let asked = Linnet::at(database, &["--broker-url", &open, &known]).await;
    asked.until_ready_is("broker", "ok", 200).await;
}
