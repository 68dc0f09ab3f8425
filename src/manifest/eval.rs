//! Works out what an expression is worth. `hcl-rs` can do that too, but says neither where something
//! is wrong nor waits with what only Terraform knows until it is needed, so this is our own.

mod function;
mod operator;
mod reference;
mod step;
mod template;

use super::source::{Eval, Fault, FaultKind, Place};
use super::value;
use super::world::{Env, World};
use hcl_edit::Span;
use hcl_edit::expr::{Conditional, Expression, ForExpr, FuncCall, Object, ObjectKey};
use serde_json::{Map, Value};

impl<'a> World<'a> {
    /// The value of an expression, or the first fault in it.
    pub(super) fn eval(&self, env: &Env<'a>, expression: &Expression) -> Eval<Value> {
        let place = Place::new(env.source, expression.span());
        self.deeper(place, || match expression {
            Expression::Null(_) => Ok(Value::Null),
            Expression::Bool(flag) => Ok(Value::Bool(*flag.value())),
            Expression::Number(number) => Ok(number_value(number.value())),
            Expression::String(text) => Ok(Value::String(text.value().clone())),
            Expression::Array(array) => {
                let values: Eval<Vec<Value>> = array.iter().map(|item| self.eval(env, item)).collect();
                Ok(Value::Array(values?))
            }
            Expression::Object(object) => self.object(env, object),
            Expression::StringTemplate(template) => self.string_template(env, template),
            Expression::HeredocTemplate(heredoc) => self.heredoc(env, heredoc),
            Expression::Parenthesis(inside) => self.eval(env, inside.inner()),
            Expression::Variable(name) => self.reference(env, name.value(), place, &[]),
            Expression::Conditional(conditional) => self.conditional(env, conditional),
            Expression::FuncCall(call) => self.call(env, call, place),
            Expression::Traversal(traversal) => match &traversal.expr {
                Expression::Variable(name) => {
                    let place = Place::new(env.source, name.span());
                    self.reference(env, name.value(), place, &traversal.operators)
                }
                other => {
                    let value = self.eval(env, other)?;
                    self.steps(env, value, place, &traversal.operators)
                }
            },
            Expression::UnaryOp(operation) => {
                let inside = self.eval(env, &operation.expr)?;
                operator::unary(*operation.operator.value(), &inside).map_err(|why| wrong(place, why))
            }
            Expression::BinaryOp(operation) => {
                let left = self.eval(env, &operation.lhs_expr)?;
                let operator = *operation.operator.value();
                if let Some(done) = operator::settled(operator, &left) {
                    return Ok(done);
                }
                let right = self.eval(env, &operation.rhs_expr)?;
                operator::binary(&left, operator, &right).map_err(|why| wrong(place, why))
            }
            Expression::ForExpr(for_expr) => self.for_expr(env, for_expr),
        })
    }

    fn object(&self, env: &Env<'a>, object: &Object) -> Eval<Value> {
        let mut map = Map::new();
        for (key, value) in object {
            let key = self.object_key(env, key)?;
            map.insert(key, self.eval(env, value.expr())?);
        }
        Ok(Value::Object(map))
    }

    /// A key is a bare word, or an expression worth text.
    pub(super) fn object_key(&self, env: &Env<'a>, key: &ObjectKey) -> Eval<String> {
        match key {
            ObjectKey::Ident(word) | ObjectKey::Expression(Expression::Variable(word)) => {
                Ok(word.value().as_str().to_owned())
            }
            ObjectKey::Expression(expression) => {
                let found = self.eval(env, expression)?;
                value::text(&found).ok_or_else(|| {
                    let place = Place::new(env.source, expression.span());
                    wrong(place, format!("a key is text, and this is {}", value::kind(&found)))
                })
            }
        }
    }

    fn conditional(&self, env: &Env<'a>, conditional: &Conditional) -> Eval<Value> {
        if self.truth(env, &conditional.cond_expr)? {
            self.eval(env, &conditional.true_expr)
        } else {
            self.eval(env, &conditional.false_expr)
        }
    }

    fn truth(&self, env: &Env<'a>, expression: &Expression) -> Eval<bool> {
        let found = self.eval(env, expression)?;
        value::truth(&found).ok_or_else(|| {
            let place = Place::new(env.source, expression.span());
            wrong(place, format!("a condition is true or false, and this is {}", value::kind(&found)))
        })
    }

    fn for_expr(&self, env: &Env<'a>, for_expr: &ForExpr) -> Eval<Value> {
        let intro = &for_expr.intro;
        let key_var = intro.key_var.as_ref().map(|name| name.value().as_str());
        let items = self.items(env, &intro.collection_expr)?;
        let (mut list, mut map) = (Vec::new(), Map::new());
        for (key, item) in items {
            let mut inner = env.with(intro.value_var.value().as_str(), item);
            if let Some(name) = key_var {
                inner = inner.with(name, key);
            }
            if let Some(cond) = &for_expr.cond
                && !self.truth(&inner, &cond.expr)?
            {
                continue;
            }
            let value = self.eval(&inner, &for_expr.value_expr)?;
            let Some(key_expr) = &for_expr.key_expr else {
                list.push(value);
                continue;
            };
            let place = Place::new(env.source, key_expr.span());
            let key = self.eval(&inner, key_expr)?;
            let key = value::text(&key)
                .ok_or_else(|| wrong(place, format!("a key is text, and this is {}", value::kind(&key))))?;
            if for_expr.grouping {
                let group = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(group) = group {
                    group.push(value);
                }
            } else if map.insert(key.clone(), value).is_some() {
                return Err(wrong(place, format!("the key `{key}` is made twice")));
            }
        }
        Ok(if for_expr.key_expr.is_some() { Value::Object(map) } else { Value::Array(list) })
    }

    /// The items of a collection with their keys.
    fn items(&self, env: &Env<'a>, expression: &Expression) -> Eval<Vec<(Value, Value)>> {
        match self.eval(env, expression)? {
            Value::Array(items) => {
                Ok(items.into_iter().enumerate().map(|(i, item)| (Value::from(i), item)).collect())
            }
            Value::Object(map) => Ok(map.into_iter().map(|(key, item)| (Value::String(key), item)).collect()),
            other => {
                let place = Place::new(env.source, expression.span());
                Err(wrong(place, format!("`for` needs a list or a map, and this is {}", value::kind(&other))))
            }
        }
    }

    fn call(&self, env: &Env<'a>, call: &FuncCall, place: Place) -> Eval<Value> {
        let name = call.name.name.value().as_str();
        let name_place = Place::new(env.source, call.name.name.span());
        if call.name.is_namespaced() {
            return Err(wrong(name_place, "functions of providers are not known here".to_owned()));
        }
        match name {
            "try" => {
                let mut last = None;
                for argument in &call.args {
                    match self.eval(env, argument) {
                        Ok(value) => return Ok(value),
                        // Terraform might have a value, so that to go on would be to guess.
                        Err(fault) if fault.kind == FaultKind::Unknown => return Err(fault),
                        Err(fault) => last = Some(fault),
                    }
                }
                return Err(last.unwrap_or_else(|| wrong(place, "`try` needs a value".to_owned())));
            }
            "can" => {
                let done = call.args.iter().next().map(|only| self.eval(env, only));
                return match done {
                    Some(Err(fault)) if fault.kind == FaultKind::Unknown => Err(fault),
                    Some(done) => Ok(Value::Bool(done.is_ok())),
                    None => Err(wrong(place, "`can` needs a value".to_owned())),
                };
            }
            _ => {}
        }
        let mut arguments = Vec::new();
        for argument in &call.args {
            arguments.push(self.eval(env, argument)?);
        }
        if call.args.expand_final() {
            match arguments.pop() {
                Some(Value::Array(rest)) => arguments.extend(rest),
                _ => return Err(wrong(place, "`...` needs a list before it".to_owned())),
            }
        }
        if name == "file" || name == "fileexists" {
            return self.file(name, &arguments, place);
        }
        function::call(name, &arguments).map_err(|error| match error {
            function::CallError::Unknown { hint } => {
                Box::new(Fault::new(name_place, format!("unknown function `{name}`")).maybe_hint(hint))
            }
            function::CallError::Wrong(why) => wrong(place, format!("`{name}` {why}")),
        })
    }

    fn file(&self, name: &str, arguments: &[Value], place: Place) -> Eval<Value> {
        let [Value::String(written)] = arguments else {
            return Err(wrong(place, format!("`{name}` needs one path")));
        };
        let written = std::path::Path::new(written);
        let root = self.tree.folders.first().map(|folder| folder.path.as_path());
        // `${path.module}/x` is a path as it stands; a bare `x` is meant from the manifest's folder.
        let from_here = self.tree.folders.iter().any(|folder| written.starts_with(&folder.path));
        let path = if from_here || written.is_absolute() {
            written.to_owned()
        } else {
            root.unwrap_or(std::path::Path::new(".")).join(written)
        };
        let found = self.files.read(&super::files::tidy(&path));
        if name == "fileexists" {
            return Ok(Value::Bool(found.is_ok()));
        }
        found
            .map(Value::String)
            .map_err(|error| wrong(place, format!("the file `{}` cannot be read: {error}", path.display())))
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "faults travel boxed: see `Eval`")]
fn wrong(place: Place, message: String) -> Box<Fault> {
    Box::new(Fault::new(place, message))
}

fn number_value(number: &hcl_edit::Number) -> Value {
    if let Some(whole) = number.as_i64() {
        return Value::from(whole);
    }
    number.as_f64().map_or(Value::Null, value::from_f64)
}
