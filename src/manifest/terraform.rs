//! What Terraform knows and the manifest does not say: values by address, from the JSON that
//! Terraform prints.

use super::source::{Fault, Log, Place, Sources};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// Values by full address: `module.flow.aws_iam_group.x`, `data.aws_region.this`.
#[derive(Debug, Default)]
pub(super) struct Known {
    values: BTreeMap<String, Value>,
    any: bool,
}

impl Known {
    pub(super) fn get(&self, address: &str) -> Option<&Value> {
        self.values.get(address)
    }

    /// A hint for an address that is not there.
    pub(super) fn how_to_supply(&self, address: &str) -> String {
        let module = address.rsplit_once("module.").filter(|(_, name)| !name.contains('.'));
        let how = match module {
            Some(("", name)) => format!(
                "pass `--terraform FILE` with the JSON of `terraform output -json`, where an output \
                 `{name}` has the value `module.{name}`, or a JSON object with the key `{address}`"
            ),
            Some(_) => format!(
                "pass `--terraform FILE` with a JSON object that has the key `{address}` with the \
                 module's outputs"
            ),
            _ => format!(
                "pass `--terraform FILE` with the JSON of `terraform show -json`, or a JSON object with \
                 the key `{address}`"
            ),
        };
        if self.any { format!("none of the --terraform files has it; {how}") } else { how }
    }

    /// Adds one file's values. Later files win.
    pub(super) fn add(&mut self, path: &Path, text: &str, sources: &mut Sources, log: &Log) {
        self.any = true;
        let source = sources.add(path.display().to_string(), text);
        let json: Value = match serde_json::from_str(text) {
            Ok(json) => json,
            Err(error) => {
                let start = offset(text, error.line(), error.column());
                let place = Place { source, start, end: (start + 1).min(text.len()) };
                log.add(Fault::new(place, format!("this is not JSON: {error}")));
                return;
            }
        };
        let Value::Object(map) = json else {
            let place = Place { source, start: 0, end: 1.min(text.len()) };
            log.add(Fault::new(place, "this is JSON, but not what Terraform prints"));
            return;
        };
        if map.contains_key("format_version") {
            // A plan has what is known before and what is planned; a state has its values.
            for values in [
                map.get("prior_state").and_then(|state| state.get("values")),
                map.get("planned_values"),
                map.get("values"),
            ] {
                self.add_state(values);
            }
        } else if is_outputs(&map) {
            self.add_outputs(&map);
        } else {
            self.values.extend(map);
        }
    }

    fn add_state(&mut self, values: Option<&Value>) {
        let Some(values) = values else { return };
        if let Some(root) = values.get("root_module") {
            self.add_module(root);
        }
        if let Some(Value::Object(outputs)) = values.get("outputs") {
            self.add_outputs(outputs);
        }
    }

    fn add_outputs(&mut self, outputs: &Map<String, Value>) {
        for (name, output) in outputs {
            if let Some(value) = output.get("value") {
                self.values.insert(format!("module.{name}"), value.clone());
            }
        }
    }

    fn add_module(&mut self, module: &Value) {
        for resource in list(module, "resources") {
            let (Some(address), Some(values)) =
                (resource.get("address").and_then(Value::as_str), resource.get("values"))
            else {
                continue;
            };
            self.values.insert(address.to_owned(), values.clone());
            // `x[0]` and `x["a"]` together are `x`, for `x[*].name` and `values(x)`.
            match resource.get("index") {
                Some(Value::String(key)) => {
                    let base = address.strip_suffix(&format!("[\"{key}\"]")).unwrap_or(address);
                    let group =
                        self.values.entry(base.to_owned()).or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(group) = group {
                        group.insert(key.clone(), values.clone());
                    }
                }
                Some(Value::Number(number)) => {
                    let base = address.strip_suffix(&format!("[{number}]")).unwrap_or(address);
                    let group =
                        self.values.entry(base.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
                    if let (Value::Array(group), Some(at)) = (group, number.as_u64())
                        && at < 10_000
                    {
                        let at = usize::try_from(at).unwrap_or(0);
                        group.resize(group.len().max(at + 1), Value::Null);
                        group[at] = values.clone();
                    }
                }
                _ => {}
            }
        }
        for child in list(module, "child_modules") {
            self.add_module(child);
        }
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `terraform output -json` prints each output as its value, type and whether it is a secret.
fn is_outputs(map: &Map<String, Value>) -> bool {
    let output = |value: &Value| {
        value.get("value").is_some() && (value.get("type").is_some() || value.get("sensitive").is_some())
    };
    !map.is_empty() && map.values().all(output)
}

fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len().saturating_sub(1));
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(text: &str) -> Known {
        let (mut known, log) = (Known::default(), Log::default());
        known.add(Path::new("t.json"), text, &mut Sources::default(), &log);
        assert!(!log.has_errors());
        known
    }

    #[test]
    fn the_three_forms_are_told_apart() {
        let state = known(
            r#"{"format_version":"1.0","values":{"outputs":{"sso_connector":{"value":{"settings":{"region":"r"}}}},
            "root_module":{"resources":[
              {"address":"aws_iam_group.x","values":{"name":"a"}},
              {"address":"aws_iam_group.y[0]","index":0,"values":{"name":"b"}},
              {"address":"aws_iam_group.y[1]","index":1,"values":{"name":"c"}}],
             "child_modules":[{"address":"module.m","resources":[
              {"address":"module.m.data.aws_region.z[\"k\"]","index":"k","values":{"name":"d"}}]}]}}}"#,
        );
        assert_eq!(state.get("aws_iam_group.x").unwrap()["name"], "a");
        assert_eq!(state.get("aws_iam_group.y").unwrap()[1]["name"], "c");
        assert_eq!(state.get("module.m.data.aws_region.z").unwrap()["k"]["name"], "d");
        assert_eq!(state.get("module.sso_connector").unwrap()["settings"]["region"], "r");

        let outputs = known(r#"{"a":{"sensitive":false,"type":"string","value":"v"}}"#);
        assert_eq!(outputs.get("module.a").unwrap(), "v");

        let plain = known(r#"{"module.a.module.b":{"settings":{}},"aws_iam_group.x":{"name":"n"}}"#);
        assert_eq!(plain.get("aws_iam_group.x").unwrap()["name"], "n");
    }
}
