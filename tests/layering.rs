//! The direction of imports: a layer knows only those below it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with what it may use of ours.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("metrics", &[]),
    ("trace", &[]),
    ("config", &["model", "trace"]),
    ("store", &["model", "metrics", "config", "trace"]),
    ("broker", &["model", "metrics", "store"]),
    ("delivery", &["model", "metrics", "store", "broker"]),
    ("reading", &["model", "store"]),
    ("social", &["model", "store"]),
    ("transfer", &["model", "store", "social"]),
    ("ingest", &["model", "store", "social", "transfer"]),
    (
        "graphql",
        &[
            "model", "metrics", "trace", "config", "store", "broker", "delivery", "reading", "social",
        ],
    ),
    ("server", &["model", "metrics", "trace", "config", "graphql"]),
    ("fuzzing", &["model", "graphql", "server", "transfer"]),
    (
        "cli",
        &[
            "model", "metrics", "trace", "config", "store", "broker", "delivery", "social", "transfer", "ingest",
            "graphql", "server",
        ],
    ),
];

/// Words that only one module may have.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sea_orm", &["store"]),
    ("async_graphql", &["graphql", "server"]),
    ("axum", &["server"]),
    ("opentelemetry", &["trace"]),
    ("std::env", &["config", "cli", "main"]),
    ("Timestamp::now", &["model"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The names that follow `crate::` in a source, also within braces.
fn used(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in source.match_indices("crate::") {
        let rest = &source[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.extend(first_word(&std::mem::take(&mut name))),
                    _ if depth == 0 => name.push(letter),
                    _ => {}
                }
            }
            names.extend(first_word(&name));
        } else {
            names.extend(first_word(rest));
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text
        .trim_start()
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}

#[test]
fn a_layer_knows_only_those_below_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 50, "the sources are not where they were");
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        let source = fs::read_to_string(&file).unwrap();
        let code: String = source
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .fold(String::new(), |all, line| all + line + "\n");
        for (word, homes) in ONLY_IN {
            if code.contains(word) && !homes.contains(&module) {
                wrong.push(format!("{} has {word}", relative.display()));
            }
        }
        if module == "lib" || module == "main" {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{module} is no layer that this test knows"));
            continue;
        };
        for name in used(&code) {
            if name != module && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses crate::{name}", relative.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_within_braces() {
    let source = "use crate::{config::Config, graphql::{Api, Caller}, metrics};\nuse crate::model::Tweet;";
    let names: Vec<String> = used(source).into_iter().collect();
    assert_eq!(names, ["config", "graphql", "metrics", "model"]);
}
