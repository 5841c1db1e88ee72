//! What must be absent, and where: see docs/architecture.md.
#![expect(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Rooms that know no runtime, no web and no database.
const PURE_ROOMS: [&str; 4] = ["crypto", "protocol", "client", "relay"];
/// What they must not know; a name that ends with `*` stands for all that begin so.
const NOT_IN_PURE_ROOMS: [&str; 9] =
    ["axum*", "hyper*", "leptos*", "lettre", "reqwest", "sqlx*", "tokio*", "tower*", "web-sys"];
/// The rooms that hold a server's store.
const STORES: [&str; 2] = ["store-memory", "store-sqlite"];
/// The rooms that know SQL: a server's store, and a device's records.
const SQL: [&str; 2] = ["store-sqlite", "store-device"];

#[test]
fn the_pure_rooms_know_no_runtime_no_web_and_no_database() {
    let graph = Graph::of_this_workspace();
    for room in PURE_ROOMS {
        for known in graph.all_below(room) {
            let is_forbidden = NOT_IN_PURE_ROOMS.iter().any(|pattern| matches(pattern, known));
            assert!(!is_forbidden, "{room} must not depend on {known}, not even through others");
        }
    }
}

#[test]
fn rooms_depend_inward() {
    let graph = Graph::of_this_workspace();
    for (room, must_not_know) in [
        ("crypto", &["protocol", "client", "relay", "app"][..]),
        ("protocol", &["client", "relay", "app"]),
        ("client", &["relay", "app", "server"]),
        ("cli", &["relay", "app", "server", "store-sqlite", "store-memory"]),
        ("store-device", &["relay", "app", "server", "cli"]),
        ("relay", &["client", "app", "server", "store-sqlite", "store-memory"]),
        ("app", &["server", "store-sqlite", "store-memory"]),
        ("store-sqlite", &["client", "app", "server"]),
        ("store-memory", &["client", "app", "server"]),
    ] {
        let known = graph.all_below(room);
        for absent in must_not_know {
            assert!(!known.contains(absent), "{room} must not depend on {absent}");
        }
    }
}

#[test]
fn only_the_server_names_a_store_and_only_a_store_knows_sql() {
    let graph = Graph::of_this_workspace();
    for (room, dependencies) in &graph.rooms {
        for dependency in dependencies {
            if STORES.contains(&dependency.as_str()) {
                assert_eq!(room, "server", "only server names a concrete store, not {room}");
            }
            if matches("sqlx*", dependency) {
                assert!(SQL.contains(&room.as_str()), "only a store knows sqlx, not {room}");
            }
        }
    }
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not hold them itself.
    let places = [["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"], ["/wo", "rk/"], ["registry", "/src"]]
        .map(|parts| parts.concat());
    let mut seen = 0;
    for file in source_files(&root()) {
        // What is no text holds no words.
        let Ok(text) = fs::read_to_string(&file) else { continue };
        seen += 1;
        for (number, line) in text.lines().enumerate() {
            for place in &places {
                assert!(!line.contains(place), "{}:{} names {place}", file.display(), number + 1);
            }
        }
    }
    assert!(seen > 100, "the sources were found");
}

/// Who depends on whom, as built for the server's platform. Only what is built in counts: not what tests need.
struct Graph {
    /// Our own packages, each with what it names itself.
    rooms: BTreeMap<String, BTreeSet<String>>,
    /// Each package's id, with those that it depends on.
    edges: BTreeMap<String, Vec<String>>,
    names: BTreeMap<String, String>,
}

impl Graph {
    fn of_this_workspace() -> Self {
        let metadata = Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--locked",
                "--filter-platform",
                "x86_64-unknown-linux-gnu",
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
        let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
        let list = |value: &Value| value.as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();

        let packages = list(&metadata["packages"]);
        let names: BTreeMap<String, String> =
            packages.iter().map(|package| (text(&package["id"]), text(&package["name"]))).collect();
        let members: BTreeSet<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
        let rooms = packages
            .iter()
            .filter(|package| members.contains(&text(&package["id"])))
            .map(|package| {
                let named = list(&package["dependencies"]);
                let named = named.iter().filter(|dependency| dependency["kind"].is_null());
                (text(&package["name"]), named.map(|dependency| text(&dependency["name"])).collect())
            })
            .collect();
        let is_built_in = |edge: &Value| list(&edge["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let edges = list(&metadata["resolve"]["nodes"])
            .iter()
            .map(|node| {
                let below = list(&node["deps"]);
                let below =
                    below.iter().filter(|edge| is_built_in(edge)).map(|edge| text(&edge["pkg"])).collect();
                (text(&node["id"]), below)
            })
            .collect();
        Self { rooms, edges, names }
    }

    /// The names of all that a room depends on, through others too.
    fn all_below(&self, room: &str) -> BTreeSet<&str> {
        assert!(self.rooms.contains_key(room), "there is no room {room}");
        let id = self.names.iter().find(|(_, name)| *name == room).map(|(id, _)| id).unwrap();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            for below in &self.edges[id] {
                if seen.insert(below) {
                    waiting.push(below);
                }
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All files but those that are built or fetched.
fn source_files(folder: &Path) -> Vec<PathBuf> {
    const NOT_SOURCES: [&str; 7] =
        [".git", "target", "node_modules", "data", "test-results", "playwright-report", "Cargo.lock"];
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default();
        if NOT_SOURCES.iter().any(|not| name == *not) {
            continue;
        }
        if path.is_dir() {
            files.extend(source_files(&path));
        } else {
            files.push(path);
        }
    }
    files
}
