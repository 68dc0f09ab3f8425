//! From records to a catalog: what refers to what, and whether it fits together.

mod connection;
mod field;
mod identity;
mod rule;
mod target;

use super::bag::Text;
use super::catalog::{Catalog, FlowEntry};
use super::nearest::did_you_mean;
use super::read::{EnvironmentRecord, FlowRecord, Head, Records, RuntimeRecord, StrategyRecord};
use super::reader::Got;
use super::source::{Fault, Log, Sources};
use crate::access::{Flow, FlowName};
use crate::policy::{Decision, Rule};
use connection::Way;

/// Everything that linking looks at.
pub(super) struct Linker<'a> {
    pub(super) records: &'a Records,
    pub(super) sources: &'a Sources,
    pub(super) log: &'a Log,
    /// The channel of flows that name none.
    pub(super) channel: Option<String>,
    /// Whether some file could not be read, so that names may be known that are not here.
    pub(super) partial: bool,
}

impl<'a> Linker<'a> {
    /// Puts the catalog together. What is missing in it was complained about.
    pub(super) fn catalog(&self) -> Catalog {
        for strategy in &self.records.strategies {
            self.check_strategy(strategy);
        }
        for environment in &self.records.environments {
            self.runtime(environment);
            self.find(&environment.error_logger, "sym_error_logger", &self.records.loggers, |logger| {
                &logger.id
            });
        }
        let flows: Vec<FlowEntry> =
            self.records.flows.iter().filter_map(|record| self.flow(record)).collect();
        if self.records.flows.is_empty() && !self.log.has_errors() {
            // Nothing else is wrong, so this is what the operator has to hear.
            if let Some(place) = self.records.targets.first().map(|target| target.head.place) {
                self.log.add(Fault::warning(place, "there is no `sym_flow`: nobody can ask for anything"));
            }
        }
        let integrations = self.integrations(&flows);
        let identities = self.identities();
        Catalog { flows, identities, integrations }
    }

    /// What a reference refers to.
    fn find<'r, T>(
        &self,
        reference: &Got<Text>,
        kind: &str,
        records: &'r [T],
        id: impl Fn(&'r T) -> &'r String,
    ) -> Option<&'r T> {
        let text = reference.as_given()?;
        let found = records.iter().find(|record| *id(record) == text.text);
        if found.is_none() {
            self.no_such(text, kind, records.iter().map(|record| id(record).as_str()));
        }
        found
    }

    /// Complains about a reference that leads nowhere, unless its block is broken and that was said.
    fn no_such<'r>(&self, text: &Text, kind: &str, ids: impl Iterator<Item = &'r str>) {
        match self.records.ids.iter().find(|(id, _)| *id == text.text) {
            Some((_, other)) if other == kind => {}
            Some((_, other)) => {
                let message = format!("this is a `{other}`, and a `{kind}` is needed");
                self.log.add(Fault::new(text.place, message));
            }
            None if self.partial => {}
            None => {
                let ids: Vec<&str> = ids.collect();
                let near = did_you_mean(&text.text, ids.iter().copied());
                let hint = near.or_else(|| {
                    let example = ids.first().map_or_else(|| format!("{kind}.x"), ToString::to_string);
                    Some(format!("refer to the block without quotes, as in `{example}.id`"))
                });
                let message = format!("`{}` is no `{kind}` of this manifest", text.text);
                self.log.add(Fault::new(text.place, message).maybe_hint(hint));
            }
        }
    }

    fn environment(&self, flow: &FlowRecord) -> Option<&'a EnvironmentRecord> {
        let environments = &self.records.environments;
        self.find(&flow.environment, "sym_environment", environments, |environment| &environment.head.id)
    }

    fn runtime(&self, environment: &EnvironmentRecord) -> Option<&'a RuntimeRecord> {
        let runtimes = &self.records.runtimes;
        let runtime = self.find(&environment.runtime, "sym_runtime", runtimes, |runtime| &runtime.head.id)?;
        let integrations = &self.records.integrations;
        let context =
            self.find(&runtime.context, "sym_integration", integrations, |integration| &integration.head.id);
        if let (Some(context), Some(text)) = (context, runtime.context.as_given())
            && context.kind.is_some()
            && !context.is_aws()
        {
            let message = "a runtime's context has to be an integration of type `permission_context`";
            self.log.add(Fault::new(text.place, message).also("declared at", context.head.place));
        }
        Some(runtime)
    }

    fn strategy(&self, flow: &FlowRecord) -> Option<&'a StrategyRecord> {
        let strategies = &self.records.strategies;
        self.find(&flow.params.strategy, "sym_strategy", strategies, |strategy| &strategy.head.id)
    }

    fn flow(&self, record: &FlowRecord) -> Option<FlowEntry> {
        let environment = self.environment(record);
        let strategy = self.strategy(record);
        let way = Way::of(self, environment, strategy);
        let grants = !record.params.strategy.is_absent();
        let targets = strategy.map(|strategy| self.targets(record, strategy, way.as_ref()));
        let targets = targets.unwrap_or_default();
        let fields = self.fields(record, grants);
        let rules = self.rules(record, &targets, &fields, grants);
        let has_emergency = rules.iter().any(|(rule, _)| rule.decision == Decision::BreakGlass);
        let durations = self.durations(record, &fields, &rules, grants);
        let own = record.channel.as_given();
        let channel = own.or(environment.and_then(|there| there.channel.as_given()));
        let channel = channel.map(|text| text.text.clone()).or_else(|| self.channel.clone());
        // A channel that is written and wrong, or that a broken environment may have, was told.
        let none = environment.map_or(record.environment.is_absent(), |there| there.channel.is_absent());
        if channel.is_none() && record.channel.is_absent() && none {
            let message = format!("the flow `{}` has no channel for its cards", record.head.shown());
            let hint =
                "set `channel = \"#access-requests\"` on the flow or its environment, or pass `--channel`";
            self.log.add(Fault::warning(record.head.place, message).hint(hint));
        }
        let logger = environment.and_then(|environment| {
            let loggers = &self.records.loggers;
            self.find(&environment.error_logger, "sym_error_logger", loggers, |logger| &logger.id)
        });
        let name = record.head.name.as_ref()?;
        let params = &record.params;
        let place = self.sources.line_of(record.head.place);
        let flow = Flow {
            name: FlowName::new(name.text.as_str()),
            label: label(&record.head, &name.text),
            additional_header_text: params.additional_header_text.as_ref().map(|text| text.text.clone()),
            fields,
            targets,
            durations,
            channel,
            error_channel: logger
                .and_then(|logger| logger.destination.as_ref())
                .map(|text| text.text.clone()),
            allow_revoke: params.allow_revoke,
            schedule_deescalation: params.schedule_deescalation,
            allowed_sources: params.sources.clone(),
            include_decision_message: params.include_decision_message,
            allow_guest_interaction: params.allow_guest_interaction,
            restores: record.restores,
            has_emergency,
        };
        let mut rules: Vec<Rule> = rules.into_iter().map(|(rule, _)| rule).collect();
        if rules.is_empty() {
            rules.push(Rule::standard(place.clone()));
        }
        Some(FlowEntry { flow, rules, place })
    }
}

/// The label, or the name where there is none.
fn label(head: &Head, name: &str) -> String {
    head.label.as_ref().map_or(name, |label| label.text.as_str()).trim().to_owned()
}
