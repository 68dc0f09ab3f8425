//! Strategies and their targets.

use super::connection::{Way, account_of, instance_of};
use super::{Linker, label};
use crate::access::{FieldType, Target, TargetKind, TargetName};
use crate::manifest::arn;
use crate::manifest::bag::Text;
use crate::manifest::read::{FlowRecord, Service, StrategyRecord, TargetRecord};
use crate::manifest::reader::Got;
use crate::manifest::source::Fault;
use std::collections::BTreeMap;

impl<'a> Linker<'a> {
    fn target_records(&self, strategy: &StrategyRecord) -> Vec<(&'a TargetRecord, Text)> {
        let Got::Given(texts) = &strategy.targets else { return Vec::new() };
        let mut found = Vec::new();
        for text in &texts.items {
            let reference = Got::Given(text.clone());
            let targets = &self.records.targets;
            if let Some(target) = self.find(&reference, "sym_target", targets, |target| &target.head.id) {
                found.push((target, text.clone()));
            }
        }
        found
    }

    /// What is wrong with a strategy whoever uses it.
    pub(super) fn check_strategy(&self, strategy: &StrategyRecord) {
        let integration = self.integration(strategy);
        let records = self.target_records(strategy);
        for (index, (target, text)) in records.iter().enumerate() {
            if records[..index].iter().any(|(before, _)| before.head.id == target.head.id) {
                self.log.add(Fault::new(text.place, "this target is listed twice"));
            }
            if let (Some(kind), Some(service)) = (target.kind, strategy.service)
                && Service::of(kind) != service
            {
                let message = format!("a strategy `{}` cannot grant an `{kind}`", service.name());
                let fault = Fault::new(text.place, message).also("the target", target.head.place);
                self.log.add(fault);
            }
        }
        let Some(integration) = integration else { return };
        if let (Some(written), Some(other)) = (&strategy.instance_arn, instance_of(integration))
            && written.text != other
        {
            let message = format!("the strategy's integration is about another instance: `{other}`");
            let fault = Fault::new(written.place, message);
            self.log.add(fault.also("the integration", integration.head.place));
        }
        match strategy.service {
            Some(Service::Sso) => self.check_instance(strategy, &records),
            Some(Service::Iam) if integration.settings.complete && account_of(integration).is_none() => {
                let message = "it is not known which account the IAM groups are in";
                let hint = "set `account_id` in the `settings` of the integration, or its `role_arn`";
                let place = strategy.integration.as_given().map_or(strategy.head.place, |text| text.place);
                let fault = Fault::new(place, message).hint(hint);
                self.log.add(fault.also("the integration", integration.head.place));
            }
            _ => {}
        }
    }

    fn check_instance(&self, strategy: &StrategyRecord, records: &[(&TargetRecord, Text)]) {
        if !strategy.complete {
            return;
        }
        let instance = self.instance(strategy);
        for (target, text) in records {
            let arn = target.settings.get("permission_set_arn");
            let theirs = arn.and_then(|arn| arn::instance_of(&arn.text));
            match (&instance, theirs) {
                (Some(instance), Some(theirs)) if *instance != theirs => {
                    let message = format!(
                        "this permission set belongs to another instance than its strategy's: `{instance}`"
                    );
                    let place = arn.map_or(text.place, |arn| arn.place);
                    self.log.add(Fault::new(place, message).also("the strategy", strategy.head.place));
                }
                (None, _) if target.kind.is_some() => {
                    let message = "it is not known which Identity Center instance this strategy is about";
                    let hint = "set `instance_arn` in its `settings`";
                    self.log.add(Fault::new(strategy.head.place, message).hint(hint));
                }
                _ => {}
            }
        }
    }

    /// The instance that a strategy grants in: its own setting, its integration's, or the one that
    /// its permission sets belong to.
    fn instance(&self, strategy: &StrategyRecord) -> Option<String> {
        if let Some(written) = &strategy.instance_arn {
            return Some(written.text.clone());
        }
        let id = strategy.integration.as_given()?;
        let integration = self.records.integrations.iter().find(|there| there.head.id == id.text)?;
        if let Some(instance) = instance_of(integration) {
            return Some(instance.to_owned());
        }
        let targets = self.target_records(strategy);
        let mut arns = targets.iter().filter_map(|(target, _)| target.settings.get("permission_set_arn"));
        arns.find_map(|arn| arn::instance_of(&arn.text))
    }

    /// The targets of a flow, seen through its strategy.
    pub(super) fn targets(
        &self,
        flow: &FlowRecord,
        strategy: &StrategyRecord,
        way: Option<&Way<'_>>,
    ) -> Vec<Target> {
        let records = self.target_records(strategy);
        for (target, _) in &records {
            self.check_bindings(flow, target);
        }
        let Some(way) = way else { return Vec::new() };
        let instance = self.instance(strategy).unwrap_or_default();
        let account = account_of(way.integration).unwrap_or_default().to_owned();
        let build = |(record, _): &(&TargetRecord, Text)| {
            let (name, kind) = (record.head.name.as_ref()?, record.kind?);
            let settings: BTreeMap<String, String> = record
                .settings
                .items
                .iter()
                .map(|(name, setting)| (name.clone(), setting.value.text.trim().to_owned()))
                .collect();
            let iam = kind == TargetKind::AwsIamGroup;
            Some(Target {
                name: TargetName::new(name.text.as_str()),
                label: label(&record.head, &name.text),
                kind,
                settings,
                bindings: record.bindings.items.iter().map(|binding| binding.text.clone()).collect(),
                instance_arn: if iam { String::new() } else { instance.clone() },
                iam_account_id: if iam { account.clone() } else { String::new() },
                connection: way.connection.clone(),
            })
        };
        records.iter().filter_map(build).collect()
    }

    /// A bound setting is a field of the form that has to be filled in.
    fn check_bindings(&self, flow: &FlowRecord, target: &TargetRecord) {
        let known = |name: &str| target.kind.is_some_and(|kind| kind.settings().contains(&name));
        for binding in target.bindings.items.iter().filter(|binding| known(&binding.text)) {
            let name = binding.text.as_str();
            let Some(field) = flow.params.fields.iter().find(|field| field.name.text == name) else {
                if flow.params.complete {
                    let message = format!(
                        "`{name}` is bound, and the flow `{}` has no prompt field of that name",
                        flow.head.shown()
                    );
                    let fault = Fault::new(binding.place, message).also("the flow", flow.head.place);
                    self.log.add(fault.hint(format!(
                        "add `prompt_field {{ name = \"{name}\" … }}` to the flow's `params`"
                    )));
                }
                continue;
            };
            let bound = |message: String| {
                let fault = Fault::new(field.name.place, message);
                self.log.add(fault.also("bound at", binding.place));
            };
            if field.field_type.is_some_and(|field_type| field_type != FieldType::Text) {
                bound(format!(
                    "the target `{}` takes `{name}` from here, so it must be of type `string`",
                    target.head.shown()
                ));
            }
            if !field.required {
                bound(format!(
                    "the target `{}` takes `{name}` from here, so it must be required",
                    target.head.shown()
                ));
            } else if !field.visible && field.default.is_none() {
                bound(format!(
                    "the target `{}` takes `{name}` from here, and nobody can fill it in",
                    target.head.shown()
                ));
            }
            if let Some(values) = field.allowed_values.as_given()
                && name == "account_id"
            {
                for value in values.items.iter().filter(|value| !arn::is_account_id(&value.text)) {
                    let message = format!("`{}` is not an account id: twelve digits in quotes", value.text);
                    self.log.add(Fault::new(value.place, message));
                }
            }
        }
    }
}
