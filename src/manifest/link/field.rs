//! The fields of a form, and the durations it offers.

use super::Linker;
use crate::access::{FieldType, PromptField, Span};
use crate::manifest::bag::Text;
use crate::manifest::read::{FieldRecord, FlowRecord, RuleRecord};
use crate::manifest::source::Fault;
use crate::policy::{Decision, Rule};

/// The longest text that Slack takes for a choice.
const MAX_OPTION: usize = 75;
/// The most choices that Slack shows.
const MAX_OPTIONS: usize = 100;
/// A form of Slack's has at most a hundred blocks, and the bot's own need some.
const MAX_FIELDS: usize = 90;

/// What a form offers when nobody said.
const DURATIONS: [Span; 4] = [Span::minutes(30), Span::hours(1), Span::hours(4), Span::hours(8)];

impl Linker<'_> {
    /// The fields of a flow's form in the order they were declared.
    pub(super) fn fields(&self, flow: &FlowRecord, grants: bool) -> Vec<PromptField> {
        let params = &flow.params;
        if params.fields.len() > MAX_FIELDS {
            let message = format!("a form of Slack's takes at most {MAX_FIELDS} fields");
            self.log.add(Fault::new(params.place, message));
        }
        params.fields.iter().filter_map(|record| self.field(flow, record, grants)).collect()
    }

    fn field(&self, flow: &FlowRecord, record: &FieldRecord, grants: bool) -> Option<PromptField> {
        let complain = |text: &Text, message: String| self.log.add(Fault::new(text.place, message));
        match record.name.text.as_str() {
            "duration" => self.check_duration(flow, record, grants),
            "target_id" if !grants => {
                complain(&record.name, "a flow without a strategy has no targets to choose from".to_owned());
            }
            _ => {}
        }
        let field_type = record.field_type?;
        let people = matches!(field_type, FieldType::SlackUser | FieldType::SlackUserList);
        let list = matches!(field_type, FieldType::TextList | FieldType::IntList | FieldType::SlackUserList);
        if let Some(default) = record.default.as_ref().filter(|_| people || list) {
            complain(default, format!("a field of type `{}` takes no default", field_type.name()));
        }
        let mut allowed = Vec::new();
        if let Some(values) = record.allowed_values.as_given() {
            let place = values.place.unwrap_or(record.place);
            if people {
                let message = format!("a field of type `{}` takes no choices", field_type.name());
                self.log.add(Fault::new(place, message));
            } else if record.name.text == "target_id" {
                let message = "the choices of `target_id` are the targets of the strategy; these are ignored";
                self.log.add(Fault::warning(place, message));
            } else {
                allowed = values.items.iter().filter_map(|value| self.choice(field_type, value)).collect();
                if values.items.is_empty() && values.complete {
                    let fault = Fault::new(place, "without choices nobody can choose: the list is empty");
                    self.log.add(fault.hint("leave `allowed_values` out if anything goes"));
                } else if values.items.len() > MAX_OPTIONS {
                    let message = format!(
                        "Slack shows at most {MAX_OPTIONS} choices, and these are {}",
                        values.items.len()
                    );
                    self.log.add(Fault::new(place, message));
                }
                for (index, value) in values.items.iter().enumerate() {
                    if values.items[..index].iter().any(|before| before.text == value.text) {
                        complain(value, format!("`{}` is offered twice", value.text));
                    }
                }
            }
        }
        let default = record.default.as_ref().filter(|_| !people && !list);
        let default = default.and_then(|default| {
            let read = self.choice(field_type, default)?;
            if !allowed.is_empty() && !allowed.contains(&read) {
                complain(default, format!("the default `{}` is not one of the choices", default.text));
            }
            Some(read)
        });
        let name = record.name.text.clone();
        Some(PromptField {
            label: record.label.as_ref().map_or_else(|| name.clone(), |label| label.text.clone()),
            name,
            field_type,
            required: record.required,
            visible: record.visible,
            default,
            allowed_values: allowed,
        })
    }

    /// A value as a person would choose it, if it is of the field's type.
    fn choice(&self, field_type: FieldType, value: &Text) -> Option<String> {
        let text = value.text.trim();
        let wrong = match field_type {
            FieldType::Int | FieldType::IntList if text.parse::<i64>().is_err() => "a whole number",
            FieldType::Bool if text != "true" && text != "false" => "true or false",
            FieldType::Duration => match Span::parse(text) {
                Ok(span) => return Some(span.short()),
                Err(error) => {
                    self.log.add(Fault::new(value.place, error.to_string()));
                    return None;
                }
            },
            _ if text.chars().count() > MAX_OPTION => {
                let message = format!("a choice has at most {MAX_OPTION} characters in Slack");
                self.log.add(Fault::new(value.place, message));
                return None;
            }
            _ => return Some(text.to_owned()),
        };
        self.log.add(Fault::new(value.place, format!("`{text}` is not {wrong}")));
        None
    }

    /// What Sym asked of a declared `duration`.
    fn check_duration(&self, flow: &FlowRecord, record: &FieldRecord, grants: bool) {
        let complain = |message: &str| self.log.add(Fault::new(record.name.place, message));
        if record.field_type.is_some_and(|field_type| field_type != FieldType::Duration) {
            return complain("the field `duration` has to be of type `duration`");
        }
        if !grants {
            return complain("a flow without a strategy grants nothing, so it takes no `duration`");
        }
        if !flow.params.schedule_deescalation {
            let message = "`duration` means nothing: access of this flow is not taken back by time";
            self.log.add(Fault::warning(record.name.place, message));
            return;
        }
        if !record.required {
            complain("the field `duration` has to be required: access must end");
        }
        if !record.visible {
            complain("the field `duration` has to be visible");
        }
        if record.allowed_values.is_absent() {
            let fault = Fault::new(record.name.place, "the field `duration` needs `allowed_values`");
            self.log.add(fault.hint("as in `allowed_values = [\"30m\", \"1h\"]`"));
        }
    }

    /// The durations on offer, shortest first.
    pub(super) fn durations(
        &self,
        flow: &FlowRecord,
        fields: &[PromptField],
        rules: &[(Rule, &RuleRecord)],
        grants: bool,
    ) -> Vec<Span> {
        if !grants || !flow.params.schedule_deescalation {
            for (_, record) in rules {
                if let Some((_, place)) = record.max_duration {
                    let message =
                        "`max_duration` means nothing: access of this flow is not taken back by time";
                    self.log.add(Fault::new(place, message));
                }
            }
            return Vec::new();
        }
        let longest = longest(rules);
        let declared = fields.iter().find(|field| field.name == "duration");
        let record = flow.params.fields.iter().find(|field| field.name.text == "duration");
        let Some(field) = declared.filter(|field| !field.allowed_values.is_empty()) else {
            let mut offered = DURATIONS.to_vec();
            if let Some(longest) = longest {
                offered.retain(|span| *span <= longest);
                if offered.is_empty() {
                    offered.push(longest);
                }
            }
            return offered;
        };
        let spans = field.allowed_values.iter().filter_map(|text| Span::parse(text).ok());
        let mut offered: Vec<Span> = spans.collect();
        let values = record.and_then(|record| record.allowed_values.as_given());
        for value in values.map(|values| values.items.as_slice()).unwrap_or_default() {
            if let (Ok(span), Some(longest)) = (Span::parse(&value.text), longest)
                && span > longest
            {
                let message = format!("no rule allows {span}: the longest is {longest}");
                self.log.add(Fault::warning(value.place, message));
            }
        }
        offered.sort_unstable();
        offered.dedup();
        offered
    }
}

/// The longest access that any request could have; `None` means no limit.
fn longest(rules: &[(Rule, &RuleRecord)]) -> Option<Span> {
    let granting = || rules.iter().map(|(rule, _)| rule).filter(|rule| rule.decision != Decision::Deny);
    // At least one granting rule matches whatever is granted, so the loosest of them is a limit …
    let loosest =
        granting().map(|rule| rule.max_duration.unwrap_or(Span::MAX)).max().filter(|span| *span < Span::MAX);
    // … and so is each rule that matches everything.
    let always = granting()
        .filter(|rule| rule.targets.is_empty() && rule.accounts.is_empty() && rule.requesters.is_empty())
        .filter_map(|rule| rule.max_duration)
        .min();
    match (loosest, always) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
