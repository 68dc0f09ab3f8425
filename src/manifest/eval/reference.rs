//! What a name refers to: a local, a variable, a module, another block, or something that only
//! Terraform knows.

use super::step::{Step, attribute, is_index};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::schema;
use crate::manifest::source::{Eval, Fault, FaultKind, Place};
use crate::manifest::tree::{Declared, ModuleSource};
use crate::manifest::value;
use crate::manifest::world::{Env, Key, Scope, Shape, World};
use hcl_edit::expr::TraversalOperator;
use hcl_edit::{Decorated, Ident, Span};
use serde_json::{Map, Value};
use std::rc::Rc;

impl<'a> World<'a> {
    /// The value of `name` followed by `.x`, `["y"]`, `[*]`.
    pub(super) fn reference(&self, env: &Env<'a>, name: &Ident, head: Place, steps: &[Step]) -> Eval<Value> {
        let name = name.as_str();
        if let Some(bound) = env.binding(name) {
            return self.steps(env, bound.clone(), head, steps);
        }
        let first = attribute(steps.first());
        let place = upto(env, head, steps, 1);
        let scope = &env.scope;
        match (name, first) {
            ("local", Some(first)) => {
                let value = self.local(scope, first, place)?;
                self.steps(env, value, place, &steps[1..])
            }
            ("var", Some(first)) => {
                let value = self.variable(scope, first, place)?;
                self.steps(env, value, place, &steps[1..])
            }
            ("path", Some("module")) => Ok(path_value(&scope.folder.path)),
            ("path", Some("root" | "cwd")) => {
                let root = self.tree.folders.first();
                Ok(root.map_or(Value::Null, |folder| path_value(&folder.path)))
            }
            ("terraform", Some("workspace")) => Ok(Value::String("default".to_owned())),
            ("module", Some(first)) => self.module(env, first, head, steps),
            ("each" | "count" | "self", _) => {
                let fault =
                    Fault::new(upto(env, head, steps, steps.len()), format!("`{name}` is not known here"));
                let hint = match name {
                    "count" => "it is known in a block with `count`",
                    _ => "it is known in a block with `for_each`",
                };
                Err(Box::new(fault.hint(hint)))
            }
            ("data", Some(kind)) => match attribute(steps.get(1)) {
                Some(second) => self.known(env, &format!("data.{kind}.{second}"), head, steps, 2),
                None => Err(bare(name, place)),
            },
            (_, Some(first)) => self.block(env, (name, first), head, steps),
            (_, None) => Err(bare(name, place)),
        }
    }

    /// Something declared in a `resource` block.
    fn block(&self, env: &Env<'a>, (kind, name): (&str, &str), head: Place, steps: &[Step]) -> Eval<Value> {
        let scope = &env.scope;
        let place = upto(env, head, steps, 1);
        let found = scope.folder.resources.get_key_value(&(kind.to_owned(), name.to_owned()));
        if let Some((_, declared)) = found
            && kind.starts_with("sym_")
        {
            return self.declared(env, (kind, name), declared, place, steps);
        }
        if found.is_none() && scope.folder.partial {
            return Err(Box::new(Fault::told(place)));
        }
        if kind.starts_with("sym_") {
            let names = scope.folder.resources.keys().filter(|(there, _)| there == kind);
            let near = did_you_mean(name, names.map(|(_, name)| name.as_str()));
            let near = near.or_else(|| did_you_mean(kind, schema::RESOURCES));
            let fault = Fault::new(place, format!("`{kind}.{name}` is not declared"));
            return Err(Box::new(fault.maybe_hint(near)));
        }
        let Some((_, declared)) = found else {
            if env.bindings.is_empty() && !kind.contains('_') {
                let words = ["local", "var", "module", "data", "path"];
                let fault = Fault::new(place, format!("nothing is called `{kind}`"));
                return Err(Box::new(fault.maybe_hint(did_you_mean(kind, words))));
            }
            return self.known(env, &format!("{kind}.{name}"), head, steps, 1);
        };
        // What the block itself says is as good as what Terraform would say.
        match self.declared(env, (kind, name), declared, place, steps) {
            Err(fault) if fault.kind == FaultKind::Unknown => {
                self.known(env, &format!("{kind}.{name}"), head, steps, 1)
            }
            done => done,
        }
    }

    fn declared(
        &self,
        env: &Env<'a>,
        (kind, name): (&str, &str),
        declared: &'a Declared,
        place: Place,
        steps: &[Step],
    ) -> Eval<Value> {
        let address = format!("{kind}.{name}");
        let scope = &env.scope;
        let home = World::env(scope, declared.source);
        let instances =
            self.guarded(format!("{} (its instances)", scope.address_of(&address)), place, || {
                self.instances(&home, &declared.block)
            })?;
        if instances.shape == Shape::Only || is_index(steps.get(1)) {
            let (at, key) = match instances.shape {
                Shape::Only => (1, Key::Only),
                _ => (2, self.key(env, steps.get(1), place)?),
            };
            let here = upto(env, place, steps, at);
            let Some((key, inside)) = instances.items.iter().find(|(there, _)| *there == key) else {
                return Err(Box::new(no_instance(
                    &address,
                    &key,
                    here,
                    instances.items.iter().map(|(key, _)| key),
                )));
            };
            let full = format!("{address}{key}");
            if let Some(wanted) = attribute(steps.get(at)) {
                let here = upto(env, place, steps, at + 1);
                let value = self.attribute_of(inside, (kind, &full), declared, wanted, here)?;
                return self.steps(env, value, here, &steps[at + 1..]);
            }
            let value = self.whole(inside, kind, &full, declared, here)?;
            return self.steps(env, value, here, steps.get(at..).unwrap_or_default());
        }
        if let Some(wanted) = attribute(steps.get(1)) {
            let fault = Fault::new(upto(env, place, steps, 2), format!("`{address}` has several instances"));
            let example = instances.items.first().map_or("[0]".to_owned(), |(key, _)| key.to_string());
            return Err(Box::new(fault.hint(format!("say which, as in `{address}{example}.{wanted}`"))));
        }
        let mut items = Vec::new();
        for (key, inside) in &instances.items {
            let full = format!("{address}{key}");
            items.push((key.clone(), self.whole(inside, kind, &full, declared, place)?));
        }
        self.steps(env, gather(instances.shape, items), place, steps.get(1..).unwrap_or_default())
    }

    /// One attribute of one instance of a block.
    fn attribute_of(
        &self,
        inside: &Env<'a>,
        (kind, address): (&str, &str),
        declared: &'a Declared,
        wanted: &str,
        place: Place,
    ) -> Eval<Value> {
        if kind.starts_with("sym_") && wanted == "id" {
            return Ok(Value::String(inside.scope.address_of(address)));
        }
        if let Some(expression) = declared.attribute(wanted) {
            return self.memo(&inside.scope, &format!("{address}.{wanted}"), place, || {
                self.eval(inside, expression)
            });
        }
        let Some(known) = schema::attributes(kind) else {
            return Err(Box::new(Fault::unknown(place, format!("`{address}.{wanted}` is not known"))));
        };
        if known.contains(&wanted) {
            return Ok(Value::Null);
        }
        let fault = Fault::new(place, format!("a `{kind}` has no attribute `{wanted}`"));
        let hint = did_you_mean(wanted, known.iter().copied().chain(["id"]));
        Err(Box::new(fault.maybe_hint(hint)))
    }

    fn whole(
        &self,
        inside: &Env<'a>,
        kind: &str,
        address: &str,
        declared: &'a Declared,
        place: Place,
    ) -> Eval<Value> {
        let own = schema::attributes(kind).is_some();
        let mut map = Map::new();
        if own {
            map.insert("id".to_owned(), Value::String(inside.scope.address_of(address)));
        }
        // Sym's Python is never looked at, so that a file that is not there does no harm.
        let skip = ["count", "for_each", "depends_on", "provider", "implementation"];
        for attribute in declared.block.body.attributes() {
            let name = attribute.key.as_str();
            if !skip.contains(&name) {
                let value = self.attribute_of(inside, (kind, address), declared, name, place)?;
                map.insert(name.to_owned(), value);
            }
        }
        Ok(Value::Object(map))
    }

    /// `module.name…`
    fn module(&self, env: &Env<'a>, name: &str, head: Place, steps: &[Step]) -> Eval<Value> {
        let scope = &env.scope;
        let place = upto(env, head, steps, 1);
        let address = format!("module.{name}");
        match scope.folder.modules.get(name).map(|module| module.source) {
            Some(ModuleSource::Local(_)) => {}
            Some(ModuleSource::Broken) => return Err(Box::new(Fault::told(place))),
            None if scope.folder.partial => return Err(Box::new(Fault::told(place))),
            Some(ModuleSource::Remote) => return self.known(env, &address, head, steps, 1),
            None => {
                return self.known(env, &address, head, steps, 1).map_err(|fault| {
                    let near = did_you_mean(name, scope.folder.modules.keys().map(String::as_str));
                    if fault.kind == FaultKind::Unknown { Box::new(fault.maybe_hint(near)) } else { fault }
                });
            }
        }
        let modules = self.modules(scope, name, place)?;
        if modules.shape == Shape::Only || is_index(steps.get(1)) {
            let (at, key) = match modules.shape {
                Shape::Only => (1, Key::Only),
                _ => (2, self.key(env, steps.get(1), place)?),
            };
            let here = upto(env, head, steps, at);
            let found = modules.items.iter().find(|(there, _)| *there == key);
            let Some(inside) = found.and_then(|(_, number)| self.scope(*number)) else {
                return Err(Box::new(no_instance(
                    &address,
                    &key,
                    here,
                    modules.items.iter().map(|(key, _)| key),
                )));
            };
            if let Some(wanted) = attribute(steps.get(at)) {
                let here = upto(env, head, steps, at + 1);
                let value = self.output(&inside, name, wanted, here)?;
                return self.steps(env, value, here, &steps[at + 1..]);
            }
            let value = self.outputs(&inside, name, here)?;
            return self.steps(env, value, here, steps.get(at..).unwrap_or_default());
        }
        let mut items = Vec::new();
        for (key, number) in &modules.items {
            if let Some(inside) = self.scope(*number) {
                items.push((key.clone(), self.outputs(&inside, name, place)?));
            }
        }
        self.steps(env, gather(modules.shape, items), place, steps.get(1..).unwrap_or_default())
    }

    fn outputs(&self, inside: &Rc<Scope<'a>>, module: &str, place: Place) -> Eval<Value> {
        let mut map = Map::new();
        for output in inside.folder.outputs.keys() {
            map.insert(output.clone(), self.output(inside, module, output, place)?);
        }
        Ok(Value::Object(map))
    }

    fn output(&self, inside: &Rc<Scope<'a>>, module: &str, name: &str, place: Place) -> Eval<Value> {
        let Some(declared) = inside.folder.outputs.get(name) else {
            if inside.folder.partial {
                return Err(Box::new(Fault::told(place)));
            }
            let fault = Fault::new(place, format!("the module `{module}` has no output `{name}`"));
            let known = inside.folder.outputs.keys().map(String::as_str);
            return Err(Box::new(fault.maybe_hint(did_you_mean(name, known))));
        };
        let Some(expression) = declared.attribute("value") else {
            return Err(Box::new(Fault::new(declared.place(), "an output needs a `value`")));
        };
        self.memo(inside, &format!("output.{name}"), place, || {
            self.eval(&World::env(inside, declared.source), expression)
        })
    }

    /// What only Terraform knows.
    fn known(&self, env: &Env<'a>, address: &str, head: Place, steps: &[Step], used: usize) -> Eval<Value> {
        let full = env.scope.address_of(address);
        let place = upto(env, head, steps, steps.len());
        if is_index(steps.get(used)) {
            let key = self.key(env, steps.get(used), place)?;
            if let Some(value) = self.known.get(&format!("{full}{key}")) {
                return self.steps(env, value.clone(), place, &steps[used + 1..]);
            }
        }
        if let Some(value) = self.known.get(&full) {
            return self.steps(env, value.clone(), upto(env, head, steps, used), &steps[used..]);
        }
        if let Some(next) = attribute(steps.get(used))
            && let Some(value) = self.known.get(&format!("{full}.{next}"))
        {
            return self.steps(env, value.clone(), place, &steps[used + 1..]);
        }
        let fault = Fault::unknown(place, format!("`{full}` is known to Terraform only"));
        Err(Box::new(fault.hint(self.known.how_to_supply(&full))))
    }

    /// The key in `["a"]`, `[0]` or `.0`.
    fn key(&self, env: &Env<'a>, step: Option<&Step>, place: Place) -> Eval<Key> {
        let found = match step.map(Decorated::value) {
            Some(TraversalOperator::Index(expression)) => self.eval(env, expression)?,
            Some(TraversalOperator::LegacyIndex(index)) => Value::from(*index.value()),
            _ => Value::Null,
        };
        match &found {
            Value::String(name) => Ok(Key::Name(name.clone())),
            other => value::whole(other).map(Key::Index).ok_or_else(|| {
                let message =
                    format!("an instance is named by text or a number, and this is {}", value::kind(other));
                Box::new(Fault::new(place, message))
            }),
        }
    }
}

fn gather(shape: Shape, items: Vec<(Key, Value)>) -> Value {
    match shape {
        Shape::Each => Value::Object(
            items
                .into_iter()
                .map(|(key, value)| match key {
                    Key::Name(name) => (name, value),
                    other => (other.to_string(), value),
                })
                .collect(),
        ),
        Shape::Only | Shape::Count => Value::Array(items.into_iter().map(|(_, value)| value).collect()),
    }
}

fn no_instance<'k>(address: &str, key: &Key, place: Place, there: impl Iterator<Item = &'k Key>) -> Fault {
    let there: Vec<String> = there.map(|key| format!("`{address}{key}`")).take(12).collect();
    let fault = Fault::new(place, format!("there is no `{address}{key}`"));
    fault.maybe_hint((!there.is_empty()).then(|| format!("there is {}", there.join(", "))))
}

#[expect(clippy::unnecessary_box_returns, reason = "faults travel boxed: see `Eval`")]
fn bare(name: &str, place: Place) -> Box<Fault> {
    let fault = Fault::new(place, format!("`{name}` means nothing by itself"));
    Box::new(fault.hint(format!("put it in quotes if it is text: `\"{name}\"`")))
}

/// The text from the head to the step before `end`.
fn upto(env: &Env<'_>, head: Place, steps: &[Step], end: usize) -> Place {
    steps.iter().take(end).fold(head, |place, step| place.to(Place::new(env.source, step.span())))
}

fn path_value(path: &std::path::Path) -> Value {
    Value::String(path.display().to_string())
}
