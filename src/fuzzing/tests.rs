//! A bounded run on stable Rust: every fixture, damaged at random. `cargo fuzz` looks further (`fuzz/`); what
//! it has found is kept in `fixtures/fuzz` and goes through here for ever.

use super::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Rows and frames are small: thousands of them a second. Manifests take longer.
const DAMAGED: usize = 10_000;
const DAMAGED_MANIFESTS: usize = 1_500;

/// What parsers look for.
const TOKENS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "${",
    "%{",
    "<<EOT\n",
    "\\u0000",
    "\n",
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "18446744073709551615",
    "9223372036854775807",
    "-9223372036854775808",
    "for",
    "...",
    "?",
    "\u{feff}",
    "é",
    "\u{1F468}\u{200D}\u{1F469}",
];

fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extensions));
        } else if path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn seeds(folders: &[&str], extensions: &[&str]) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let paths = folders.iter().flat_map(|folder| files(&root.join(folder), extensions));
    paths.map(|path| fs::read(path).unwrap()).collect()
}

fn damage(seeds: &[Vec<u8>], chance: &mut StdRng) -> Vec<u8> {
    let mut bytes = seeds[chance.random_range(0..seeds.len())].clone();
    for _ in 0..chance.random_range(1..6) {
        let at = chance.random_range(0..=bytes.len());
        let end = (at + chance.random_range(0..60)).min(bytes.len());
        match chance.random_range(0..6) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, TOKENS[chance.random_range(0..TOKENS.len())].bytes())),
            2 => drop(bytes.splice(at..end, TOKENS[chance.random_range(0..TOKENS.len())].bytes())),
            3 => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy.repeat(chance.random_range(1..40))));
            }
            4 => {
                let other = &seeds[chance.random_range(0..seeds.len())];
                let from = chance.random_range(0..=other.len());
                let to = (from + chance.random_range(0..200)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << chance.random_range(0..7);
                }
            }
        }
    }
    bytes
}

/// Reads the seeds as they are, what was found before, and so many damaged ones.
fn withstands(name: &str, read: fn(&[u8]), seeds: &[Vec<u8>], count: usize) {
    assert!(seeds.len() > 5, "{name}: only {} seeds", seeds.len());
    for bytes in seeds {
        read(bytes);
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fuzz").join(name);
    for path in fs::read_dir(&kept).into_iter().flatten() {
        read(&fs::read(path.unwrap().path()).unwrap());
    }
    let seed: u64 = rand::random();
    let mut chance = StdRng::seed_from_u64(seed);
    for _ in 0..count {
        let bytes = damage(seeds, &mut chance);
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        if outcome.is_err() {
            let kept = std::env::temp_dir().join(format!("sym-fuzz-{name}-{seed:x}"));
            fs::write(&kept, &bytes).unwrap();
            panic!(
                "{name} does not withstand what is in {}: keep it in fixtures/fuzz/{name}",
                kept.display()
            );
        }
    }
}

#[test]
fn manifests_withstand_damage() {
    let seeds = seeds(&["manifests", "fixtures/manifests"], &["hcl", "tf", "json"]);
    withstands("manifest", manifest, &seeds, DAMAGED_MANIFESTS);
}

#[test]
fn frames_of_slack_withstand_damage() {
    withstands("inbound", inbound, &seeds(&["fixtures/slack"], &["json"]), DAMAGED);
}

#[test]
fn rows_of_the_books_withstand_damage() {
    let mut seeds = seeds(&["fixtures/store/v1"], &["json"]);
    for seed in &mut seeds {
        seed.insert(0, 1);
    }
    withstands("rows", rows, &seeds, DAMAGED);
}
