use super::*;
use insta::assert_snapshot;

const FIXTURES: &str = "fixtures/manifests";

/// What `sym check` would say.
fn say(loaded: Result<Loaded, Complaints>) -> String {
    match loaded {
        Ok(loaded) if loaded.warnings.is_empty() => "nothing is wrong".to_owned(),
        Ok(loaded) => loaded.warnings.to_string(),
        Err(complaints) => complaints.to_string(),
    }
}

/// Loads texts that are on no disk, with the folder `m` as the manifest.
fn load_texts(texts: &[(&str, &str)], options: &Options) -> Result<Loaded, Complaints> {
    let texts = texts.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    load_from(&Files::Memory(texts.collect()), Path::new("m"), options)
}

#[test]
fn every_broken_manifest_says_what_is_wrong_and_where() {
    let folder = Path::new(FIXTURES).join("broken");
    let base = std::fs::read_to_string(folder.join("base/base.hcl")).unwrap();
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hcl"))
        .collect();
    names.sort();
    assert!(names.len() >= 40, "{} broken manifests", names.len());
    assert_snapshot!(say(load_texts(&[("m/base.hcl", &base)], &Options::default())), @"nothing is wrong");
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = format!("m/{name}.hcl");
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = load_texts(&[("m/base.hcl", &base), (&file, &text)], &Options::default());
        assert_eq!(loaded.is_ok(), name == "warnings-only", "{name}: {}", say(loaded));
        insta::with_settings!({
            snapshot_path => "../../fixtures/manifests/broken",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            assert_snapshot!(name, say(loaded));
        });
    }
}
