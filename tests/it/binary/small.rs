//! What the commands say in small troubles.

use super::{SYM, sym, text};
use std::process::Command;

#[test]
fn a_folder_that_is_not_there_names_the_way_to_name_it() {
    let output = sym(&["check", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains("`nowhere` cannot be read") && said.contains("--manifests"), "{said}");
}

#[test]
fn what_is_not_closed_is_shown_where_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("locals {\n  a = \"x\n}\n", ":2:7", "this quote is not closed"),
        (
            "resource \"a\" \"b\" {\n  params {\n    x = 1\n}\nlocals {\n}\n",
            ":2:10",
            "this brace is not closed",
        ),
    ];
    for (manifest, place, hint) in cases {
        std::fs::write(folder.path().join("bad.hcl"), manifest).unwrap();
        let output = sym(&["check", &folder.path().to_string_lossy()]);
        let said = text(&output.stderr);
        assert!(said.contains(&format!("bad.hcl{place}")) && said.contains(hint), "{said}");
    }
}

#[test]
fn a_list_that_cannot_be_had_has_no_head() {
    let folder = tempfile::tempdir().unwrap();
    let output = sym(&["admin", "list", "--data", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    assert!(text(&output.stderr).contains("no bot runs on"), "{}", text(&output.stderr));
}

#[test]
fn the_demo_brings_its_own_flows() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |arguments: &[&str]| {
        let mut demo = Command::new(SYM);
        demo.args(["demo", "--script"]).args(arguments).current_dir(folder.path()).env_clear();
        demo.output().unwrap()
    };
    let output = demo(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("AWS holds nothing."), "{}", text(&output.stdout));
    // A folder that was named is meant.
    let output = demo(&["--manifests", "nowhere"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_field_that_only_some_targets_take_is_described_as_the_form_asks_for_it() {
    let output = sym(&["check", "fixtures/manifests/stories"]);
    let said = text(&output.stdout);
    assert!(said.contains("Account (account_id): string, required for read-only, else not used"), "{said}");
}
