//! Modules and their values: what a name means where it is written. Values are worked out when they
//! are first needed and then kept.

use super::source::{Eval, Fault, Log, Place, SourceId};
use super::terraform::Known;
use super::tree::{Declared, Folder, ModuleSource, Tree};
use super::variable::{self, Given};
use super::{files::Files, nearest::did_you_mean};
use hcl_edit::Span;
use hcl_edit::structure::Attribute;
use serde_json::{Map, Value};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// How deep values may refer to each other and expressions be nested.
const MAX_DEPTH: usize = 200;

/// Everything that evaluation may look at.
pub(super) struct World<'a> {
    pub(super) tree: &'a Tree,
    pub(super) files: &'a Files,
    pub(super) log: &'a Log,
    pub(super) known: &'a Known,
    /// Values for the variables of the operator's own folder.
    pub(super) given: BTreeMap<String, Given<'a>>,
    scopes: RefCell<Vec<Rc<Scope<'a>>>>,
    running: RefCell<Vec<String>>,
    depth: Cell<usize>,
}

/// One instance of a module, or the operator's own folder.
pub(super) struct Scope<'a> {
    pub(super) folder: &'a Folder,
    /// Empty, or `module.a["x"].module.b`.
    pub(super) address: String,
    /// The block that loads the module, and where that block stands.
    call: Option<(Env<'a>, &'a Declared)>,
    memo: RefCell<HashMap<String, Eval<Value>>>,
    modules: RefCell<HashMap<String, Eval<Modules>>>,
}

/// Where an expression stands.
#[derive(Clone)]
pub(super) struct Env<'a> {
    pub(super) scope: Rc<Scope<'a>>,
    pub(super) source: SourceId,
    /// `each`, `count` and the variables of `for`; the last one of a name counts.
    pub(super) bindings: Rc<Vec<(String, Value)>>,
}

/// Which of several instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    Only,
    Index(usize),
    Name(String),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Only => Ok(()),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[\"{name}\"]"),
        }
    }
}

/// Whether there is one, or a list, or a map of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Only,
    Count,
    Each,
}

/// The instances of a local module, by number of their scopes.
#[derive(Debug, Clone)]
pub(super) struct Modules {
    pub(super) shape: Shape,
    pub(super) items: Vec<(Key, usize)>,
}

impl Scope<'_> {
    /// The full address of something declared in this scope.
    pub(super) fn address_of(&self, name: &str) -> String {
        if self.address.is_empty() { name.to_owned() } else { format!("{}.{name}", self.address) }
    }
}

impl Env<'_> {
    /// The same place with one more name known.
    pub(super) fn with(&self, name: &str, value: Value) -> Self {
        let mut bindings = (*self.bindings).clone();
        bindings.push((name.to_owned(), value));
        Self { bindings: Rc::new(bindings), ..self.clone() }
    }

    pub(super) fn binding(&self, name: &str) -> Option<&Value> {
        self.bindings.iter().rev().find(|(bound, _)| bound == name).map(|(_, value)| value)
    }
}

impl<'a> World<'a> {
    pub(super) fn new(tree: &'a Tree, files: &'a Files, log: &'a Log, known: &'a Known) -> Self {
        Self {
            tree,
            files,
            log,
            known,
            given: BTreeMap::new(),
            scopes: RefCell::default(),
            running: RefCell::default(),
            depth: Cell::new(0),
        }
    }

    /// The operator's own folder.
    pub(super) fn root(&self) -> Option<Rc<Scope<'a>>> {
        let there = self.scopes.borrow().first().cloned();
        there.or_else(|| {
            let folder = self.tree.folders.first()?;
            let number = self.open(folder, String::new(), None);
            self.scope(number)
        })
    }

    pub(super) fn scope(&self, number: usize) -> Option<Rc<Scope<'a>>> {
        self.scopes.borrow().get(number).cloned()
    }

    fn open(&self, folder: &'a Folder, address: String, call: Option<(Env<'a>, &'a Declared)>) -> usize {
        let scope = Scope { folder, address, call, memo: RefCell::default(), modules: RefCell::default() };
        let mut scopes = self.scopes.borrow_mut();
        scopes.push(Rc::new(scope));
        scopes.len() - 1
    }

    /// The place of a declaration, without `each` or `count`.
    pub(super) fn env(scope: &Rc<Scope<'a>>, source: SourceId) -> Env<'a> {
        Env { scope: Rc::clone(scope), source, bindings: Rc::default() }
    }

    /// Goes one step deeper, or complains that this has no end.
    pub(super) fn deeper<T>(&self, place: Place, work: impl FnOnce() -> Eval<T>) -> Eval<T> {
        if self.depth.get() >= MAX_DEPTH {
            return Err(Box::new(Fault::new(place, "this is nested too deep")));
        }
        self.depth.set(self.depth.get() + 1);
        let done = work();
        self.depth.set(self.depth.get() - 1);
        done
    }

    /// Runs work that has a name, unless the same work is what asks for it.
    pub(super) fn guarded<T>(&self, name: String, place: Place, work: impl FnOnce() -> Eval<T>) -> Eval<T> {
        let at = self.running.borrow().iter().position(|running| *running == name);
        if let Some(at) = at {
            let mut chain = self.running.borrow()[at..].to_vec();
            chain.push(name);
            let message = format!("this refers to itself: {}", chain.join(" → "));
            return Err(Box::new(Fault::new(place, message)));
        }
        self.running.borrow_mut().push(name);
        let done = self.deeper(place, work);
        self.running.borrow_mut().pop();
        done
    }

    /// The value of a name in a scope: worked out once.
    pub(super) fn memo(
        &self,
        scope: &Scope<'a>,
        name: &str,
        place: Place,
        work: impl FnOnce() -> Eval<Value>,
    ) -> Eval<Value> {
        if let Some(done) = scope.memo.borrow().get(name) {
            return done.clone();
        }
        let done = self.guarded(scope.address_of(name), place, work);
        scope.memo.borrow_mut().insert(name.to_owned(), done.clone());
        done
    }

    /// `local.name`
    pub(super) fn local(&self, scope: &Rc<Scope<'a>>, name: &str, place: Place) -> Eval<Value> {
        let Some(local) = scope.folder.locals.get(name) else {
            if scope.folder.partial {
                return Err(Box::new(Fault::told(place)));
            }
            let fault = Fault::new(place, format!("`local.{name}` is not declared"));
            let known = scope.folder.locals.keys().map(String::as_str);
            return Err(Box::new(fault.maybe_hint(did_you_mean(name, known))));
        };
        self.memo(scope, &format!("local.{name}"), place, || {
            self.eval(&Self::env(scope, local.source), &local.value)
        })
    }

    /// `var.name`
    pub(super) fn variable(&self, scope: &Rc<Scope<'a>>, name: &str, place: Place) -> Eval<Value> {
        let Some(declared) = scope.folder.variables.get(name) else {
            if scope.folder.partial {
                return Err(Box::new(Fault::told(place)));
            }
            let fault = Fault::new(place, format!("`var.{name}` is not declared"));
            let known = scope.folder.variables.keys().map(String::as_str);
            let hint = did_you_mean(name, known)
                .unwrap_or_else(|| format!("declare it: `variable \"{name}\" {{ default = … }}`"));
            return Err(Box::new(fault.hint(hint)));
        };
        self.memo(scope, &format!("var.{name}"), place, || {
            let value = self.raw_variable(scope, name, declared)?;
            self.validated(scope, name, declared, value)
        })
    }

    fn raw_variable(&self, scope: &Rc<Scope<'a>>, name: &str, declared: &'a Declared) -> Eval<Value> {
        let wanted = declared.attribute("type");
        if let Some((env, call)) = &scope.call {
            if let Some(value) = call.attribute(name) {
                let place = Place::new(call.source, value.span());
                let value = self.eval(env, value)?;
                return variable::convert(value, wanted)
                    .map_err(|why| Box::new(Fault::new(place, format!("`{name}` {why}"))));
            }
        } else if let Some(given) = self.given.get(name) {
            return self.given_value(scope, name, given, wanted);
        }
        if let Some(default) = declared.attribute("default") {
            let env = Self::env(scope, declared.source);
            let place = Place::new(declared.source, default.span());
            let value = self.eval(&env, default)?;
            return variable::convert(value, wanted)
                .map_err(|why| Box::new(Fault::new(place, format!("the default of `{name}` {why}"))));
        }
        Err(Box::new(match &scope.call {
            Some((_, call)) => {
                let message = format!("this module needs a value for `{name}`");
                Fault::new(call.place(), message).also("declared at", declared.place())
            }
            None => {
                Fault::new(declared.place(), format!("the variable `{name}` has no value")).hint(format!(
                    "give it a `default`, write `{name} = …` into a file *.auto.tfvars, or pass \
                     `--var {name}=…` or SYM_VAR_{name}"
                ))
            }
        }))
    }

    fn given_value(
        &self,
        scope: &Rc<Scope<'a>>,
        name: &str,
        given: &Given<'a>,
        wanted: Option<&hcl_edit::expr::Expression>,
    ) -> Eval<Value> {
        let value = match given {
            Given::Expression { source, value, .. } => self.eval(&Self::env(scope, *source), value)?,
            Given::Text { text, place } => variable::from_text(text, wanted)
                .map_err(|why| Box::new(Fault::new(*place, format!("`{name}` {why}"))))?,
        };
        variable::convert(value, wanted)
            .map_err(|why| Box::new(Fault::new(given.place(), format!("`{name}` {why}"))))
    }

    /// Checks the `validation` blocks of a variable.
    fn validated(
        &self,
        scope: &Rc<Scope<'a>>,
        name: &str,
        declared: &'a Declared,
        value: Value,
    ) -> Eval<Value> {
        for block in declared.block.body.get_blocks("validation") {
            let Some(condition) = block.body.get_attribute("condition") else { continue };
            // The condition speaks of the variable that is being worked out.
            let mut variables = Map::new();
            variables.insert(name.to_owned(), value.clone());
            let env = Self::env(scope, declared.source).with("var", Value::Object(variables));
            if self.eval(&env, &condition.value)? != Value::Bool(true) {
                let message = block.body.get_attribute("error_message").map(|message| &message.value);
                let message = match message {
                    Some(message) => super::value::text(&self.eval(&env, message)?),
                    None => None,
                };
                let message = message.unwrap_or_else(|| "it is not valid".to_owned());
                let place = self.given_place(scope, name).unwrap_or_else(|| declared.place());
                return Err(Box::new(Fault::new(place, format!("the variable `{name}`: {message}"))));
            }
        }
        Ok(value)
    }

    fn given_place(&self, scope: &Scope<'a>, name: &str) -> Option<Place> {
        match &scope.call {
            Some((_, call)) => call.attribute(name).map(|value| Place::new(call.source, value.span())),
            None => self.given.get(name).map(Given::place),
        }
    }

    /// The instances of a local module: opened once.
    pub(super) fn modules(&self, scope: &Rc<Scope<'a>>, name: &str, place: Place) -> Eval<Modules> {
        if let Some(done) = scope.modules.borrow().get(name) {
            return done.clone();
        }
        let done = self.guarded(scope.address_of(&format!("module.{name}")), place, || {
            let Some(module) = scope.folder.modules.get(name) else {
                return Err(Box::new(Fault::new(place, format!("`module.{name}` is not declared"))));
            };
            let folder = match module.source {
                ModuleSource::Local(number) => self.tree.folders.get(number),
                ModuleSource::Remote | ModuleSource::Broken => None,
            };
            let Some(folder) = folder else {
                return Err(Box::new(Fault::told(place)));
            };
            let declared = &module.declared;
            self.check_inputs(declared, folder);
            let instances = self.instances(&Self::env(scope, declared.source), &declared.block)?;
            let items = instances.items.into_iter().map(|(key, env)| {
                let address = scope.address_of(&format!("module.{name}{key}"));
                let number = self.open(folder, address, Some((env, declared)));
                (key, number)
            });
            Ok(Modules { shape: instances.shape, items: items.collect() })
        });
        scope.modules.borrow_mut().insert(name.to_owned(), done.clone());
        done
    }

    /// Complains about values that the module has no variable for.
    fn check_inputs(&self, declared: &'a Declared, folder: &'a Folder) {
        const OWN: [&str; 6] = ["source", "version", "count", "for_each", "depends_on", "providers"];
        let unknown = |attribute: &&Attribute| {
            let key = attribute.key.as_str();
            !OWN.contains(&key) && !folder.partial && !folder.variables.contains_key(key)
        };
        for attribute in declared.block.body.attributes().filter(unknown) {
            let key = attribute.key.as_str();
            let place = Place::new(declared.source, attribute.key.span());
            let message = format!("the module in `{}` has no variable `{key}`", folder.path.display());
            let known = folder.variables.keys().map(String::as_str);
            self.log.add(Fault::new(place, message).maybe_hint(did_you_mean(key, known)));
        }
    }
}
