//! Which crate may import which, and that logic does no I/O: the workspace's own rules.

#![expect(clippy::unwrap_used, reason = "so a test fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Each of our crates, and those of ours that it may import.
const IMPORTS: [(&str, &[&str]); 12] = [
    ("synced-protocol", &[]),
    ("synced-world", &["synced-protocol"]),
    ("synced-consensus", &["synced-protocol"]),
    (
        "synced-node",
        &["synced-world", "synced-consensus", "synced-protocol"],
    ),
    ("synced-client", &["synced-world", "synced-protocol"]),
    ("synced-transport", &["synced-protocol"]),
    ("synced-storage", &["synced-protocol"]),
    (
        "synced-server",
        &[
            "synced-node",
            "synced-consensus",
            "synced-transport",
            "synced-storage",
            "synced-protocol",
        ],
    ),
    (
        "synced-godot",
        &[
            "synced-client",
            "synced-transport",
            "synced-node",
            "synced-world",
            "synced-protocol",
        ],
    ),
    (
        "simulator",
        &[
            "synced-client",
            "synced-node",
            "synced-consensus",
            "synced-transport",
            "synced-world",
            "synced-protocol",
        ],
    ),
    // The work that it measures is of its examples and benchmarks.
    ("synced-bench", &[]),
    ("synced-tests", EVERYTHING),
];
const EVERYTHING: &[&str] = &[
    "synced-protocol",
    "synced-world",
    "synced-node",
    "synced-client",
    "synced-transport",
    "synced-storage",
    "synced-server",
    "synced-godot",
];

/// Crates of others that belong to some of ours alone, for their tests too, and why.
const RESERVED: [(&str, &[&str], &str); 6] = [
    (
        "godot",
        &["synced-godot"],
        "the rest must run without an engine",
    ),
    (
        "quinn",
        // The adversaries among the tests break what the transport would not let them.
        &["synced-transport", "synced-tests"],
        "the rest must not know what carries its bytes",
    ),
    (
        "tokio",
        &[
            "synced-transport",
            "synced-server",
            "simulator",
            "synced-tests",
        ],
        "logic is driven from outside and never waits",
    ),
    (
        "raft",
        &["synced-consensus"],
        "the engine must be replaceable in one crate",
    ),
    (
        "bincode",
        &["synced-protocol"],
        "it is unmaintained, and must be replaceable in one module",
    ),
    (
        "redb",
        &["synced-storage"],
        "the rest must not know what keeps the log",
    ),
];

/// The crates without I/O.
const LOGIC: [&str; 5] = ["protocol", "world", "consensus", "node", "client"];
/// Words that logic has no use for, and what it does instead.
const FORBIDDEN: [(&str, &str); 7] = [
    ("Instant", "take the time as an argument, in Micros"),
    ("SystemTime", "take the time as an argument, in Micros"),
    ("sleep", "give the time in poll_deadline"),
    ("UdpSocket", "give bytes out as an Output"),
    ("TcpStream", "give bytes out as an Output"),
    ("TcpListener", "give bytes out as an Output"),
    ("fs", "take the bytes as an argument"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every package of the workspace with its direct dependencies.
fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata failed: {stderr}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(Package::new).collect()
}

struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    /// Whether only the package's tests and benchmarks have it.
    dev: bool,
}

impl Package {
    fn new(json: &Value) -> Self {
        let dependencies = json["dependencies"].as_array().unwrap();
        Self {
            name: text(&json["name"]),
            dependencies: dependencies.iter().map(Dependency::new).collect(),
        }
    }
}

impl Dependency {
    fn new(json: &Value) -> Self {
        Self {
            name: text(&json["name"]),
            dev: json["kind"] == "dev",
        }
    }
}

fn text(json: &Value) -> String {
    json.as_str().unwrap().to_owned()
}

/// What is wrong with the imports of one package among our own. Its tests may import anything.
fn wrong_imports(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some((_, allowed)) = IMPORTS.iter().find(|(ours, _)| *ours == name) else {
        return vec![format!(
            "{name} is new: say in IMPORTS of tests/tests/structure.rs what it may import"
        )];
    };
    let ours = |dependency: &&Dependency| IMPORTS.iter().any(|(ours, _)| *ours == dependency.name);
    package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.dev)
        .filter(ours)
        .filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        .map(|dependency| {
            format!(
                "{name} imports {}, and may import {allowed:?} alone: move what it needs down into one of those",
                dependency.name
            )
        })
        .collect()
}

/// Which crates of others a package has that are not for it.
fn wrong_reserved(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let has = |reserved: &str| package.dependencies.iter().any(|d| d.name == reserved);
    RESERVED
        .iter()
        .filter(|(reserved, owners, _)| has(reserved) && !owners.contains(&name))
        .map(|(reserved, owners, why)| {
            format!("{name} depends on {reserved}, which is for {owners:?} alone: {why}")
        })
        .collect()
}

/// The forbidden words of a source, each with its line, from 1. Comments and the tests at a file's end may say anything.
fn forbidden_words(source: &str) -> Vec<(usize, &'static str, &'static str)> {
    let (code, _tests) = source
        .split_once("#[cfg(test)]\nmod tests {")
        .unwrap_or((source, ""));
    let mut found = Vec::new();
    for (number, line) in (1..).zip(code.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        let words: BTreeSet<&str> = code
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        let forbidden = FORBIDDEN.iter().filter(|(word, _)| words.contains(word));
        found.extend(forbidden.map(|(word, instead)| (number, *word, *instead)));
    }
    found
}

/// Every source below a folder, but for files of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    found
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn imports_among_our_crates_go_one_way() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    for (name, _) in IMPORTS {
        assert!(
            names.contains(name),
            "{name} is gone: take it out of IMPORTS"
        );
    }
    let wrong: Vec<String> = packages.iter().flat_map(wrong_imports).collect();
    assert_none(&wrong);
}

#[test]
fn engine_quic_runtime_and_codec_stay_in_their_crates() {
    let packages = packages();
    let all = packages.iter().flat_map(|package| &package.dependencies);
    let used: BTreeSet<&str> = all.map(|dependency| dependency.name.as_str()).collect();
    for (reserved, ..) in RESERVED {
        assert!(
            used.contains(reserved),
            "{reserved} is gone: take it out of RESERVED"
        );
    }
    let wrong: Vec<String> = packages.iter().flat_map(wrong_reserved).collect();
    assert_none(&wrong);
}

#[test]
fn logic_asks_nobody_for_time_files_or_the_network() {
    let mut wrong = Vec::new();
    for name in LOGIC {
        let folder = root().join("rust").join(name).join("src");
        let sources = sources(&folder);
        assert!(!sources.is_empty(), "no source in {}", folder.display());
        for path in sources {
            let source = fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(root()).unwrap().display().to_string();
            let words = forbidden_words(&source);
            wrong.extend(words.iter().map(|(line, word, instead)| {
                format!("{file}:{line} says {word}, which logic may not: {instead}")
            }));
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_search_finds_words_in_code_alone() {
    let source = "#[cfg(test)]\n\
        mod helpers;\n\
        use std::time::{Duration, Instant};\n\
        // An Instant would not do.\n\
        let instants = 1; // sleep\n\
        std::fs::read(path);\n\
        #[cfg(test)]\n\
        mod tests { use std::time::SystemTime; }\n";
    let found: Vec<(usize, &str)> = forbidden_words(source)
        .iter()
        .map(|(line, word, _)| (*line, *word))
        .collect();
    assert_eq!(found, [(3, "Instant"), (6, "fs")]);
}

#[test]
fn the_rules_find_what_breaks_them() {
    let package = |dev| Package {
        name: "synced-client".to_owned(),
        dependencies: ["synced-node", "synced-world", "tokio", "bytes"]
            .map(|name| Dependency {
                name: name.to_owned(),
                dev,
            })
            .into(),
    };
    assert_eq!(wrong_imports(&package(false)).len(), 1);
    assert_eq!(wrong_imports(&package(true)).len(), 0);
    assert_eq!(wrong_reserved(&package(false)).len(), 1);
    assert_eq!(wrong_reserved(&package(true)).len(), 1);
    let stranger = Package {
        name: "synced-stranger".to_owned(),
        dependencies: Vec::new(),
    };
    assert_eq!(wrong_imports(&stranger).len(), 1);
}
