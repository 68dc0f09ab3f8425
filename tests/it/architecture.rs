//! The house's walls: who may use whom, where the banned crates may be named, what the Slack app asks for.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every line of production code, with its file below `src` and its number.
fn lines() -> Vec<(String, usize, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
        // Files that are test modules as a whole.
        if ["tests", "laws.rs", "checks.rs"].iter().any(|word| name.contains(word)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if line.trim_start().starts_with("#[cfg(test)]")
                || line.trim_start().starts_with("#[cfg(all(test")
            {
                break;
            }
            if !line.trim_start().starts_with("//") {
                all.push((name.clone(), number + 1, line.to_owned()));
            }
        }
    }
    all
}

/// The room a file belongs to: `slack` for `slack.rs` and everything in `slack/`.
fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

#[test]
fn rooms_use_only_whom_they_may() {
    let may: &[(&str, &[&str])] = &[
        ("access", &["access"]),
        ("policy", &["policy", "access"]),
        ("manifest", &["manifest", "access", "policy"]),
        ("rehearsal", &["rehearsal", "access", "policy", "manifest"]),
        ("store", &["store", "access"]),
        ("slack", &["slack", "access"]),
        ("aws", &["aws", "access"]),
        ("sandbox", &["sandbox"]),
        ("clock", &["clock", "access"]),
        ("readiness", &["readiness"]),
        ("http", &["http", "readiness"]),
        ("telemetry", &["telemetry"]),
    ];
    let mut broken = Vec::new();
    for (file, number, line) in lines() {
        let Some((_, allowed)) = may.iter().find(|(name, _)| *name == room(&file)) else { continue };
        for (at, _) in line.match_indices("crate::") {
            let used: String =
                line[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            // `crate::{…}` and macros are not used in this house.
            if !allowed.contains(&used.as_str()) {
                broken.push(format!("src/{file}:{number} uses `{used}`: {}", line.trim()));
            }
        }
    }
    assert!(broken.is_empty(), "walls are broken:\n{}", broken.join("\n"));
}

#[test]
fn the_pure_rooms_stay_pure() {
    let banned = [
        "async ",
        ".await",
        "tokio",
        "tracing::",
        "std::fs",
        "std::net",
        "std::env",
        "rand::",
        "SystemTime",
        "Instant::",
    ];
    let mut broken = Vec::new();
    for (file, number, line) in lines() {
        let is_pure = matches!(room(&file), "access" | "policy")
            || room(&file) == "manifest" && file != "manifest/files.rs";
        if is_pure && let Some(word) = banned.iter().find(|word| line.contains(**word)) {
            broken.push(format!("src/{file}:{number} has `{word}`: {}", line.trim()));
        }
    }
    assert!(broken.is_empty(), "a pure room is not:\n{}", broken.join("\n"));
}

#[test]
fn sled_and_chrono_live_in_one_room_each() {
    let homes = [("sled::", "store"), ("chrono::", "access/time.rs")];
    let mut broken = Vec::new();
    for (file, number, line) in lines() {
        for (name, home) in homes {
            if line.contains(name) && !file.starts_with(home) {
                broken.push(format!("src/{file}:{number} names `{name}` outside {home}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_module_is_a_drawer() {
    for (file, _, _) in lines() {
        let name = file.rsplit('/').next().unwrap();
        assert!(!["mod.rs", "utils.rs", "util.rs", "common.rs", "helpers.rs"].contains(&name), "src/{file}");
    }
}

#[test]
fn who_speaks_about_books_without_running_reads_them_whole() {
    // The books of `live.rs` are its own and empty.
    let broken: Vec<String> = lines()
        .into_iter()
        .filter(|(file, _, line)| {
            room(file) == "cli" && file != "cli/live.rs" && line.contains("Store::open(")
        })
        .map(|(file, number, line)| format!("src/{file}:{number}: {}", line.trim()))
        .collect();
    assert!(broken.is_empty(), "large books are not proven there:\n{}", broken.join("\n"));
}

/// The names of a manifest's dependencies, as code writes them.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(manifest)).unwrap();
    let section = text.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let entries = section.take_while(|line| !line.starts_with('['));
    entries.filter_map(|line| Some(line.split_once(" = ")?.0.replace('-', "_"))).collect()
}

#[test]
fn what_the_fuzzed_rooms_use_is_there_when_they_are_fuzzed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fuzzed: Vec<PathBuf> = sources(&root.join("fuzz/src"))
        .into_iter()
        .map(|path| path.canonicalize().unwrap())
        .filter_map(|path| Some(path.strip_prefix(root.join("src").canonicalize().unwrap()).ok()?.to_owned()))
        .collect();
    let (all, there) = (dependencies("Cargo.toml"), dependencies("fuzz/Cargo.toml"));
    let mut used = 0;
    let mut missing = Vec::new();
    for (file, number, line) in lines().into_iter().filter(|(file, ..)| fuzzed.contains(&file.into())) {
        for name in &all {
            let is_used = line.match_indices(&format!("{name}::")).any(|(at, _)| {
                !line[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
            });
            used += usize::from(is_used);
            if is_used && !there.contains(name) {
                missing
                    .push(format!("src/{file}:{number} uses `{name}`, which fuzz/Cargo.toml does not have"));
            }
        }
    }
    assert!(used > 50, "nothing was looked at: {used}");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
