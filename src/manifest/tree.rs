//! The files of a folder and of the modules it loads, taken apart into what they declare. Nothing is
//! evaluated here.

use super::files::{Files, tidy};
use super::nearest::did_you_mean;
use super::source::{Fault, Log, Place, SourceId, Sources};
use super::unclosed::unclosed;
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How deep modules may be nested; a symbolic link can make a loop that has no end.
const MAX_DEPTH: usize = 32;

/// How the folder with the flows is named.
const NAME_THE_FOLDER: &str = "name the folder with your *.hcl or *.tf files: DIR, --manifests or SYM_MANIFESTS, whichever the command takes";

/// A block and the text it stands in.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) source: SourceId,
    pub(super) block: Block,
}

impl Declared {
    /// The block's first line: its word and labels.
    pub(super) fn place(&self) -> Place {
        header(self.source, &self.block)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Expression> {
        self.block.body.get_attribute(name).map(|attribute| &attribute.value)
    }
}

/// The word and the labels of a block.
pub(super) fn header(source: SourceId, block: &Block) -> Place {
    let start = Place::new(source, block.ident.span());
    block.labels.last().map_or(start, |label| start.to(label_place(source, label)))
}

/// The place of one label.
pub(super) fn label_place(source: SourceId, label: &BlockLabel) -> Place {
    Place::new(
        source,
        match label {
            BlockLabel::Ident(ident) => ident.span(),
            BlockLabel::String(text) => text.span(),
        },
    )
}

/// One `name = value` of a `locals` block.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) source: SourceId,
    pub(super) place: Place,
    pub(super) value: Expression,
}

/// Where a module's files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModuleSource {
    /// Another folder, by number.
    Local(usize),
    /// A registry, a repository: only Terraform has it.
    Remote,
    /// Already complained about.
    Broken,
}

#[derive(Debug)]
pub(super) struct Module {
    pub(super) declared: Declared,
    pub(super) source: ModuleSource,
}

/// What the files of one folder declare.
#[derive(Debug, Default)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) locals: BTreeMap<String, Local>,
    pub(super) variables: BTreeMap<String, Declared>,
    pub(super) outputs: BTreeMap<String, Declared>,
    pub(super) modules: BTreeMap<String, Module>,
    pub(super) resources: BTreeMap<(String, String), Declared>,
    /// In the order of the files.
    pub(super) order: Vec<(String, String)>,
    pub(super) identities: Vec<Declared>,
    /// Whether a file of it could not be read, so that something may be declared that is not here.
    pub(super) partial: bool,
}

impl Folder {
    /// Itself, and the folders of the modules it loads.
    pub(super) fn reaches(&self) -> Vec<PathBuf> {
        let texts = self.modules.values().filter_map(|module| module.declared.attribute("source")?.as_str());
        let local = texts.filter(|text| is_local(text)).map(|text| tidy(&self.path.join(text)));
        std::iter::once(self.path.clone()).chain(local).collect()
    }
}

/// Whether a module's `source` is a folder here.
fn is_local(source: &str) -> bool {
    source.starts_with("./") || source.starts_with("../")
}

/// All folders that are reached; the first is the operator's own.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) folders: Vec<Folder>,
    /// The values files of the first folder.
    pub(super) values: Vec<(SourceId, Body)>,
}

/// Reads files into a [`Tree`].
pub(super) struct Parser<'a> {
    pub(super) files: &'a Files,
    pub(super) sources: &'a mut Sources,
    pub(super) log: &'a Log,
}

impl Parser<'_> {
    /// Reads the operator's folder and every local module below it.
    pub(super) fn tree(mut self, root: &Path) -> Tree {
        let mut tree = Tree::default();
        let root = tidy(root);
        if let Some(paths) = self.list(&root, None) {
            let manifest = paths.iter().filter(|path| is_manifest(path)).count();
            if manifest == 0 {
                let place = self.whole(&root);
                let fault = Fault::new(place, format!("there is no manifest in `{}`", root.display()));
                self.log.add(fault.hint("a manifest is a file whose name ends in .hcl or .tf"));
            }
            tree.values = self.values(&paths);
            self.folder(&mut tree, &root, &paths, &mut Vec::new());
        }
        tree
    }

    /// A place that means a file or folder as a whole.
    fn whole(&mut self, path: &Path) -> Place {
        Place::new(self.sources.add(path.display().to_string(), ""), None)
    }

    fn list(&mut self, folder: &Path, from: Option<Place>) -> Option<Vec<PathBuf>> {
        match self.files.list(folder) {
            Ok(paths) => Some(paths),
            Err(error) => {
                let place = from.unwrap_or_else(|| self.whole(folder));
                let message = format!("the folder `{}` cannot be read: {error}", folder.display());
                let fault = Fault::new(place, message);
                self.log.add(if from.is_some() { fault } else { fault.hint(NAME_THE_FOLDER) });
                None
            }
        }
    }

    fn parse(&mut self, path: &Path) -> Option<(SourceId, Body)> {
        let text = match self.files.read(path) {
            Ok(text) => text,
            Err(error) => {
                let place = self.whole(path);
                self.log.add(Fault::new(place, format!("this file cannot be read: {error}")));
                return None;
            }
        };
        let source = self.sources.add(path.display().to_string(), &text);
        match hcl_edit::parser::parse_body(&text) {
            Ok(body) => Some((source, body)),
            Err(error) => {
                self.log.add(syntax_fault(source, &text, &error));
                None
            }
        }
    }

    fn values(&mut self, paths: &[PathBuf]) -> Vec<(SourceId, Body)> {
        // Later files win, and the plain one comes first, as in Terraform.
        let plain = paths.iter().filter(|path| path.ends_with("terraform.tfvars"));
        let auto = paths.iter().filter(|path| name(path).ends_with(".auto.tfvars"));
        let all: Vec<&PathBuf> = plain.chain(auto).collect();
        all.into_iter().filter_map(|path| self.parse(path)).collect()
    }

    /// Reads one folder and returns its number.
    fn folder(&mut self, tree: &mut Tree, path: &Path, paths: &[PathBuf], above: &mut Vec<PathBuf>) -> usize {
        let number = tree.folders.len();
        tree.folders.push(Folder { path: path.to_owned(), ..Folder::default() });
        let mut folder = Folder { path: path.to_owned(), ..Folder::default() };
        for file in paths.iter().filter(|path| is_manifest(path)) {
            let Some((source, body)) = self.parse(file) else {
                folder.partial = true;
                continue;
            };
            for structure in body {
                self.declare(&mut folder, source, structure);
            }
        }
        above.push(path.to_owned());
        for module in folder.modules.values_mut() {
            module.source = self.module(tree, path, &module.declared, above);
        }
        above.pop();
        if let Some(slot) = tree.folders.get_mut(number) {
            *slot = folder;
        }
        number
    }

    fn module(
        &mut self,
        tree: &mut Tree,
        from: &Path,
        declared: &Declared,
        above: &mut Vec<PathBuf>,
    ) -> ModuleSource {
        let Some(value) = declared.attribute("source") else {
            self.log.add(Fault::new(declared.place(), "a module needs a `source`"));
            return ModuleSource::Broken;
        };
        let place = Place::new(declared.source, value.span());
        let Some(text) = value.as_str() else {
            self.log.add(Fault::new(place, "a module's `source` is plain text in quotes"));
            return ModuleSource::Broken;
        };
        if !is_local(text) {
            return ModuleSource::Remote;
        }
        let path = tidy(&from.join(text));
        if let Some(at) = above.iter().position(|folder| *folder == path) {
            let mut chain: Vec<String> =
                above[at..].iter().map(|folder| format!("`{}`", folder.display())).collect();
            chain.push(format!("`{}`", path.display()));
            let message = format!("modules load each other in a circle: {}", chain.join(" → "));
            self.log.add(Fault::new(place, message));
            return ModuleSource::Broken;
        }
        if above.len() > MAX_DEPTH {
            self.log.add(Fault::new(place, "modules are nested too deep"));
            return ModuleSource::Broken;
        }
        if let Some(number) = tree.folders.iter().position(|folder| folder.path == path) {
            return ModuleSource::Local(number);
        }
        let Some(paths) = self.list(&path, Some(place)) else { return ModuleSource::Broken };
        ModuleSource::Local(self.folder(tree, &path, &paths, above))
    }

    fn declare(&self, folder: &mut Folder, source: SourceId, structure: Structure) {
        let block = match structure {
            Structure::Attribute(attribute) => {
                let place = Place::new(source, attribute.key.span());
                let fault = Fault::new(place, format!("`{}` stands outside of any block", *attribute.key));
                self.log.add(fault.hint("values go into `locals { … }`, or into a file *.auto.tfvars"));
                return;
            }
            Structure::Block(block) => block,
        };
        let labels: Vec<String> = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
        let declared = Declared { source, block };
        let word = declared.block.ident.as_str().to_owned();
        match (word.as_str(), labels.as_slice()) {
            ("locals", []) => self.locals(folder, declared),
            ("variable", [name]) => self.once(&mut folder.variables, name.clone(), declared, Declared::place),
            ("output", [name]) => self.once(&mut folder.outputs, name.clone(), declared, Declared::place),
            ("module", [name]) => {
                let module = Module { declared, source: ModuleSource::Broken };
                self.once(&mut folder.modules, name.clone(), module, |module| module.declared.place());
            }
            ("resource", [kind, name]) => {
                let key = (kind.clone(), name.clone());
                if !folder.resources.contains_key(&key) {
                    folder.order.push(key.clone());
                }
                self.once(&mut folder.resources, key, declared, Declared::place);
            }
            ("identity", [_]) => folder.identities.push(declared),
            ("terraform" | "provider" | "data" | "moved" | "import" | "removed" | "check", _) => {}
            _ => self.log.add(unknown_block(&declared, &word)),
        }
    }

    fn locals(&self, folder: &mut Folder, declared: Declared) {
        let source = declared.source;
        for structure in declared.block.body {
            match structure {
                Structure::Attribute(attribute) => {
                    let place = Place::new(source, attribute.key.span());
                    let name = attribute.key.as_str().to_owned();
                    let local = Local { source, place, value: attribute.value };
                    self.once(&mut folder.locals, name, local, |local| local.place);
                }
                Structure::Block(block) => {
                    self.log.add(Fault::new(header(source, &block), "`locals` holds values, not blocks"));
                }
            }
        }
    }

    /// Declares something, or complains that it is there already.
    fn once<K: Ord, T>(&self, there: &mut BTreeMap<K, T>, key: K, new: T, place: impl Fn(&T) -> Place) {
        if let Some(first) = there.get(&key) {
            let fault = Fault::new(place(&new), "this is declared twice");
            self.log.add(fault.also("first declared at", place(first)));
            return;
        }
        there.insert(key, new);
    }
}

fn unknown_block(declared: &Declared, word: &str) -> Fault {
    const WORDS: [(&str, usize); 6] =
        [("resource", 2), ("locals", 0), ("variable", 1), ("output", 1), ("module", 1), ("identity", 1)];
    let place = declared.place();
    if let Some((_, labels)) = WORDS.iter().find(|(known, _)| *known == word) {
        let needs = match labels {
            0 => "no name",
            1 => "one name in quotes",
            _ => "a type and a name in quotes: `resource \"sym_flow\" \"this\"`",
        };
        return Fault::new(place, format!("a `{word}` block takes {needs}"));
    }
    let fault = Fault::new(place, format!("unknown block `{word}`"));
    if word.starts_with("sym_") {
        return fault.hint(format!("write `resource \"{word}\" \"name\" {{ … }}`"));
    }
    if word == "rule" {
        return fault.hint("a `rule` block stands inside of a `sym_flow`");
    }
    let words = WORDS.iter().map(|(known, _)| *known).chain(["terraform", "provider", "data"]);
    fault.maybe_hint(did_you_mean(word, words))
}

pub(super) fn syntax_fault(source: SourceId, text: &str, error: &hcl_edit::parser::Error) -> Fault {
    if let Some(unclosed) = unclosed(text) {
        let at = Place { source, start: unclosed.start, end: unclosed.start + 1 };
        return Fault::new(at, format!("this is not HCL: {}", error.message())).hint(unclosed.hint);
    }
    let start = error.location().offset().min(text.len());
    let length = text.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let at = Place { source, start, end: start + length };
    let fault = Fault::new(at, format!("this is not HCL: {}", error.message()));
    let line = error.line();
    if line.contains("...") {
        return fault.hint("replace the `...` placeholder by what belongs there");
    }
    fault
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or("")
}

/// `.terraform.lock.hcl` and the backups of editors are no manifests.
/// `*.test.hcl` are tests of the rules, for `sym policy test`.
fn is_manifest(path: &Path) -> bool {
    let name = name(path);
    let visible = !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".test.hcl");
    visible && path.extension().is_some_and(|extension| extension == "hcl" || extension == "tf")
}
