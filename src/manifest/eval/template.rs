//! `"text ${value}"`, heredocs, and the `%{ if }` and `%{ for }` inside of them.

use crate::manifest::source::{Eval, Fault, Place};
use crate::manifest::value;
use crate::manifest::world::{Env, World};
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, HeredocTemplate, StringTemplate};
use serde_json::Value;

/// How many blanks are taken from the beginnings of lines.
#[derive(Debug, Clone, Copy, Default)]
struct Indent {
    here: usize,
    inside: usize,
}

impl<'a> World<'a> {
    pub(super) fn string_template(&self, env: &Env<'a>, template: &StringTemplate) -> Eval<Value> {
        let elements: Vec<&Element> = template.iter().collect();
        // `"${x}"` is x itself, whatever it is.
        if let [Element::Interpolation(only)] = elements.as_slice() {
            return self.eval(env, &only.expr);
        }
        self.elements(env, &elements, Indent::default()).map(Value::String)
    }

    pub(super) fn heredoc(&self, env: &Env<'a>, heredoc: &HeredocTemplate) -> Eval<Value> {
        let elements: Vec<&Element> = heredoc.template.iter().collect();
        // The parser has taken the indent of `<<-` from the outer lines, but not inside of directives.
        let indent = Indent { here: 0, inside: heredoc.indent().unwrap_or(0) };
        self.elements(env, &elements, indent).map(Value::String)
    }

    fn elements(&self, env: &Env<'a>, elements: &[&Element], indent: Indent) -> Eval<String> {
        let mut out = String::new();
        for (index, element) in elements.iter().enumerate() {
            match element {
                Element::Literal(text) => {
                    let mut text = text.value().as_str();
                    let before = index.checked_sub(1).and_then(|i| elements.get(i));
                    if before.is_some_and(|element| strips(element).1) {
                        text = strip_start(text);
                    }
                    if elements.get(index + 1).is_some_and(|element| strips(element).0) {
                        text = text.trim_end();
                    }
                    out.push_str(&outdent(text, indent.here));
                }
                Element::Interpolation(inside) => out.push_str(&self.as_text(env, &inside.expr)?),
                Element::Directive(directive) => out.push_str(&self.directive(env, directive, indent)?),
            }
        }
        Ok(out)
    }

    fn as_text(&self, env: &Env<'a>, expression: &Expression) -> Eval<String> {
        let found = self.eval(env, expression)?;
        value::text(&found).ok_or_else(|| {
            let place = Place::new(env.source, expression.span());
            let message = format!("{} cannot stand inside of a text", value::kind(&found));
            Box::new(Fault::new(place, message))
        })
    }

    fn directive(&self, env: &Env<'a>, directive: &Directive, indent: Indent) -> Eval<String> {
        let indent = Indent { here: indent.inside, ..indent };
        let inside = |env: &Env<'a>, template: &hcl_edit::template::Template, start, end| {
            let elements: Vec<&Element> = template.iter().collect();
            let text = self.elements(env, &elements, indent)?;
            let text = if start { strip_start(&text) } else { &text };
            Ok(if end { text.trim_end() } else { text }.to_owned())
        };
        match directive {
            Directive::If(branches) => {
                let (yes, no) = (&branches.if_expr, &branches.else_expr);
                let last = branches.endif_expr.strip.strip_start();
                if self.truth(env, &yes.cond_expr)? {
                    let end = no.as_ref().map_or(last, |no| no.strip.strip_start());
                    return inside(env, &yes.template, yes.strip.strip_end(), end);
                }
                no.as_ref()
                    .map_or(Ok(String::new()), |no| inside(env, &no.template, no.strip.strip_end(), last))
            }
            Directive::For(each) => {
                let head = &each.for_expr;
                let end = each.endfor_expr.strip.strip_start();
                let mut out = String::new();
                for (key, item) in self.items(env, &head.collection_expr)? {
                    let mut inner = env.with(head.value_var.value().as_str(), item);
                    if let Some(name) = &head.key_var {
                        inner = inner.with(name.value().as_str(), key);
                    }
                    out.push_str(&inside(&inner, &head.template, head.strip.strip_end(), end)?);
                }
                Ok(out)
            }
        }
    }
}

/// Whether an element takes away the blanks before and after it.
fn strips(element: &Element) -> (bool, bool) {
    match element {
        Element::Literal(_) => (false, false),
        Element::Interpolation(inside) => (inside.strip.strip_start(), inside.strip.strip_end()),
        Element::Directive(directive) => match directive.as_ref() {
            Directive::If(branches) => {
                (branches.if_expr.strip.strip_start(), branches.endif_expr.strip.strip_end())
            }
            Directive::For(each) => (each.for_expr.strip.strip_start(), each.endfor_expr.strip.strip_end()),
        },
    }
}

/// Takes blanks from the beginning of each line but the first, which goes on where a line was.
fn outdent(text: &str, blanks: usize) -> String {
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or("").to_owned();
    for line in lines {
        let indent = line.bytes().take(blanks).take_while(|byte| *byte == b' ').count();
        out.push('\n');
        out.push_str(&line[indent..]);
    }
    out
}

fn strip_start(text: &str) -> &str {
    text.trim_start()
}
