//! Reads the manifests again while the bot runs, when somebody asks for it or when the files change.

use crate::engine::Engine;
use crate::manifest::{self, Catalog, Complaints, Options, Severity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often the files are looked at.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);
/// More files than any manifest has: what comes after these is not looked at.
const MOST_FILES: usize = 10_000;

/// The room that reading deep files needs.
const READING: usize = 64 * 1024 * 1024;

/// The manifests of a running bot.
#[derive(Debug, Clone)]
pub struct Manifests {
    /// The folder with the flows.
    pub folder: PathBuf,
    /// How they are read.
    pub options: Options,
}

/// What came of reading the manifests again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reloaded {
    /// Other flows are in force.
    Replaced,
    /// They say what they said before.
    Unchanged,
    /// They do not load: the flows stay as they were.
    Broken,
}

impl Manifests {
    /// Reads the manifests again. Good ones are in force when this returns; with bad ones everything
    /// stays as it was, and the error channels hear of it.
    pub async fn reload(&self, engine: &Engine) -> Reloaded {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.read()).await;
        let read =
            read.unwrap_or_else(|_| Err("reading them failed: this is a mistake of the bot".to_owned()));
        match read {
            Ok(catalog) if catalog == *engine.catalog() => {
                tracing::info!("the manifests were read again: nothing has changed");
                engine.is_up_to_date().await;
                Reloaded::Unchanged
            }
            Ok(catalog) => {
                let flows = catalog.flows.len();
                engine.replace_catalog(catalog).await;
                tracing::info!(flows, "the manifests have changed and are in force");
                engine.is_up_to_date().await;
                Reloaded::Replaced
            }
            Err(why) => {
                engine.keep_catalog(&why).await;
                Reloaded::Broken
            }
        }
    }

    fn read(&self) -> Result<Catalog, String> {
        let loaded = manifest::load(&self.folder, &self.options).map_err(|complaints| errors(&complaints))?;
        let warnings = loaded.warnings.len();
        if warnings > 0 {
            tracing::warn!(warnings, "the manifests have warnings: `sym check` shows them");
        }
        let homeless = homeless(&loaded.catalog);
        if homeless.is_empty() { Ok(loaded.catalog) } else { Err(homeless.join("\n")) }
    }

    /// What the files look like from outside: those of the folder and all below it, those of the modules it
    /// loads from elsewhere, and what Terraform knows.
    fn look(&self, elsewhere: &[PathBuf]) -> Look {
        let mut look = Look::new();
        let mut folders: Vec<(PathBuf, bool)> = vec![(self.folder.clone(), true)];
        folders.extend(elsewhere.iter().map(|folder| (folder.clone(), false)));
        while let Some((folder, goes_deeper)) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(&folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                // `.terraform` and its kind; and the folders through which Kubernetes swaps files, whose
                // names outside are links that are followed.
                let is_hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
                if is_hidden || look.len() >= MOST_FILES {
                    continue;
                }
                if path.is_dir() {
                    if goes_deeper {
                        folders.push((path, true));
                    }
                } else {
                    look_at(&path, &mut look);
                }
            }
        }
        self.options.terraform.iter().for_each(|path| look_at(path, &mut look));
        look
    }

    /// The folders of modules, which may be anywhere. They are read off the files, and so are known only as
    /// long as those can be read: an edit that breaks them adds folders and takes none away.
    fn elsewhere(&self, known: &[PathBuf]) -> Vec<PathBuf> {
        let this = self.clone();
        // Taking a text apart goes deep; where it goes too deep, loading says so.
        let found = std::thread::Builder::new()
            .stack_size(READING)
            .spawn(move || manifest::folders(&this.folder))
            .ok()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        let mut all: Vec<PathBuf> = known.iter().cloned().chain(found).collect();
        all.sort();
        all.dedup();
        all.retain(|folder| *folder != self.folder);
        all
    }
}

/// Size and time of the last change by file.
type Look = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

fn look_at(path: &Path, look: &mut Look) {
    if let Ok(found) = std::fs::metadata(path) {
        look.insert(path.to_owned(), (found.len(), found.modified().ok()));
    }
}

/// Notices when the files of a manifest have changed and then lie still, so that half an edit is not
/// taken for the whole.
#[derive(Debug)]
pub struct Watch {
    manifests: Manifests,
    elsewhere: Vec<PathBuf>,
    last: Look,
    has_changed: bool,
}

impl Watch {
    /// What is there now is known.
    pub fn new(manifests: &Manifests) -> Self {
        let elsewhere = manifests.elsewhere(&[]);
        let last = manifests.look(&elsewhere);
        Self { manifests: manifests.clone(), elsewhere, last, has_changed: false }
    }

    /// True when something has changed since the last time this was true, and nothing since the last
    /// look.
    pub fn has_settled(&mut self) -> bool {
        if self.manifests.look(&self.elsewhere) != self.last {
            self.elsewhere = self.manifests.elsewhere(&self.elsewhere);
            self.last = self.manifests.look(&self.elsewhere);
            self.has_changed = true;
            return false;
        }
        std::mem::take(&mut self.has_changed)
    }
}

/// Each error with its place, a line each. The lines of the files themselves stay out: variables may
/// hold what not everybody in the error channel should read.
fn errors(complaints: &Complaints) -> String {
    let errors = complaints.iter().filter(|complaint| complaint.severity == Severity::Error);
    let lines: Vec<String> =
        errors.map(|complaint| format!("{}: {}", complaint.location(), complaint.message)).collect();
    lines.join("\n")
}

/// Flows whose cards have nowhere to go, and what to do about each.
pub fn homeless(catalog: &Catalog) -> Vec<String> {
    catalog
        .flows
        .iter()
        .filter(|entry| entry.flow.channel.is_none())
        .map(|entry| {
            format!(
                "flow `{}`: give it (or its sym_environment) a `channel`, or set --channel / SYM_CHANNEL",
                entry.flow.name
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_change_counts_once_it_lies_still() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let at = move |name: &str| root.join(name);
        fs::write(at("a.hcl"), "one").unwrap();
        fs::create_dir_all(at("modules/x")).unwrap();
        fs::create_dir_all(at(".terraform")).unwrap();
        let outside = tempfile::tempdir().unwrap();
        let known = outside.path().join("terraform.json");
        fs::write(&known, "{}").unwrap();
        let options = Options { terraform: vec![known.clone()], ..Options::default() };
        let mut watch = Watch::new(&Manifests { folder: folder.path().to_owned(), options });
        assert!(!watch.has_settled());
        let beside = outside.path().join("modules");
        fs::create_dir_all(&beside).unwrap();
        let module = format!("module \"x\" {{\n  source = \"../{}/modules\"\n}}\n", {
            outside.path().file_name().unwrap().to_string_lossy()
        });
        let changes: [Box<dyn Fn()>; 9] = [
            Box::new(|| fs::write(at("m.tf"), &module).unwrap()),
            Box::new(|| fs::write(beside.join("main.tf"), "locals {}").unwrap()),
            // While the text is broken, what it loaded before is still looked at.
            Box::new(|| fs::write(at("m.tf"), "module \"x\" {").unwrap()),
            Box::new(|| fs::write(beside.join("main.tf"), "locals { }").unwrap()),
            Box::new(|| fs::remove_dir_all(&beside).unwrap()),
            Box::new(|| fs::write(at("a.hcl"), "longer").unwrap()),
            Box::new(|| fs::write(at("modules/x/b.tf"), "new").unwrap()),
            Box::new(|| fs::remove_file(at("a.hcl")).unwrap()),
            Box::new(|| fs::write(&known, "{ }").unwrap()),
        ];
        for change in changes {
            change();
            assert!(!watch.has_settled(), "it may not be over yet");
            assert!(watch.has_settled());
            assert!(!watch.has_settled(), "once is enough");
        }
        fs::write(at(".terraform/x"), "not ours").unwrap();
        assert!(!watch.has_settled() && !watch.has_settled());
    }
}
