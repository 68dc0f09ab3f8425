//! From blocks to records: each resource by itself, checked as far as that goes.

mod flow;
mod identity;
mod people;
mod rule;
mod simple;
mod target;

pub(super) use flow::{FieldRecord, FlowRecord};
pub(super) use identity::IdentityRecord;
pub(super) use people::{is_email, people};
pub(super) use rule::RuleRecord;
pub(super) use simple::is_channel;
pub(super) use simple::{EnvironmentRecord, IntegrationRecord, LoggerRecord, RuntimeRecord};
pub(super) use target::{Service, StrategyRecord, TargetRecord};

use super::bag::Text;
use super::nearest::did_you_mean;
use super::reader::Reader;
use super::schema;
use super::source::{Fault, Log, Place};
use super::tree::{Declared, ModuleSource};
use super::world::{Scope, World};
use std::rc::Rc;

/// Everything that was declared, in the order of the files, modules after what loads them.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) integrations: Vec<IntegrationRecord>,
    pub(super) targets: Vec<TargetRecord>,
    pub(super) strategies: Vec<StrategyRecord>,
    pub(super) environments: Vec<EnvironmentRecord>,
    pub(super) runtimes: Vec<RuntimeRecord>,
    pub(super) loggers: Vec<LoggerRecord>,
    pub(super) flows: Vec<FlowRecord>,
    pub(super) identities: Vec<IdentityRecord>,
    /// Every resource's id and type, those that nobody acts on too.
    pub(super) ids: Vec<(String, String)>,
}

/// What every record has.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// What references to it are worth.
    pub(super) id: String,
    /// The block's first line.
    pub(super) place: Place,
    pub(super) name: Option<Text>,
    pub(super) label: Option<Text>,
}

impl Head {
    fn read(id: String, reader: &Reader<'_>) -> Self {
        Self {
            id,
            place: reader.bag.place,
            name: reader.need_text("name").given(),
            label: reader.text("label").given(),
        }
    }

    /// The name, or what stands for it while it is missing.
    pub(super) fn shown(&self) -> &str {
        self.name.as_ref().map_or(self.id.as_str(), |name| name.text.as_str())
    }
}

/// Reads everything that the world declares.
pub(super) fn read(world: &World<'_>) -> Records {
    let mut records = Records::default();
    if let Some(root) = world.root() {
        read_scope(world, &root, &mut records);
        for declared in &root.folder.identities {
            identity::read(world, &root, declared, &mut records);
        }
    }
    check_names(world.log, &records);
    records
}

fn read_scope<'a>(world: &World<'a>, scope: &Rc<Scope<'a>>, records: &mut Records) {
    for (kind, name) in &scope.folder.order {
        let Some(declared) = scope.folder.resources.get(&(kind.clone(), name.clone())) else {
            continue;
        };
        if let Some(schema) = schema::of(kind) {
            read_resource(world, scope, (kind, name, schema), declared, records);
        } else if kind.starts_with("sym_") {
            let fault = Fault::new(declared.place(), format!("unknown resource type `{kind}`"));
            world.log.add(fault.maybe_hint(did_you_mean(kind, schema::RESOURCES)));
        }
    }
    for (name, module) in &scope.folder.modules {
        if !matches!(module.source, ModuleSource::Local(_)) {
            continue;
        }
        let modules = world.log.keep(world.modules(scope, name, module.declared.place()));
        for (_, number) in modules.map(|modules| modules.items).unwrap_or_default() {
            if let Some(inside) = world.scope(number) {
                if !inside.folder.identities.is_empty() {
                    let place = inside.folder.identities[0].place();
                    let message = "`identity` blocks stand in the manifest's own folder, not in modules";
                    world.log.add(Fault::new(place, message));
                }
                read_scope(world, &inside, records);
            }
        }
    }
    check_values(world, scope);
}

/// Mistakes in values that nothing here needs are mistakes all the same; what only Terraform knows
/// is none of our business until something here needs it.
fn check_values<'a>(world: &World<'a>, scope: &Rc<Scope<'a>>) {
    use super::source::FaultKind;
    let place = |declared: &Declared| declared.place();
    let locals = scope.folder.locals.iter().map(|(name, local)| world.local(scope, name, local.place));
    let variables = scope
        .folder
        .variables
        .iter()
        .filter(|(_, declared)| !scope.address.is_empty() || declared.attribute("default").is_some())
        .map(|(name, declared)| world.variable(scope, name, place(declared)));
    for fault in locals.chain(variables).filter_map(Result::err) {
        if fault.kind == FaultKind::Wrong {
            world.log.add(*fault);
        }
    }
}

fn read_resource<'a>(
    world: &World<'a>,
    scope: &Rc<Scope<'a>>,
    (kind, name, schema): (&str, &str, schema::Schema),
    declared: &'a Declared,
    records: &mut Records,
) {
    let home = World::env(scope, declared.source);
    let Some(instances) = world.log.keep(world.instances(&home, &declared.block)) else {
        // References to it must not be complained about as well.
        records.ids.push((scope.address_of(&format!("{kind}.{name}")), kind.to_owned()));
        return;
    };
    for (key, env) in instances.items {
        let id = scope.address_of(&format!("{kind}.{name}{key}"));
        records.ids.push((id.clone(), kind.to_owned()));
        let bag = world.bag(&env, &declared.block, kind, schema);
        let reader = Reader::new(&bag, world.log);
        match kind {
            "sym_integration" => records.integrations.push(IntegrationRecord::read(id, &reader)),
            "sym_target" => records.targets.push(TargetRecord::read(id, &reader)),
            "sym_strategy" => records.strategies.push(StrategyRecord::read(id, &reader)),
            "sym_environment" => records.environments.push(EnvironmentRecord::read(id, &reader)),
            "sym_runtime" => records.runtimes.push(RuntimeRecord::read(id, &reader)),
            "sym_error_logger" => records.loggers.push(LoggerRecord::read(id, &reader)),
            "sym_flow" => records.flows.push(FlowRecord::read(id, &reader)),
            "sym_log_destination" | "sym_flows_filter" => simple::ignored(&reader),
            _ => {}
        }
    }
}

/// Names are compared without regard to capitals, as Sym did.
fn check_names(log: &Log, records: &Records) {
    unique(log, "sym_flow", records.flows.iter().map(|record| &record.head));
    unique(log, "sym_target", records.targets.iter().map(|record| &record.head));
    unique(log, "sym_strategy", records.strategies.iter().map(|record| &record.head));
    unique(log, "sym_integration", records.integrations.iter().map(|record| &record.head));
    unique(log, "sym_environment", records.environments.iter().map(|record| &record.head));
    unique(log, "sym_runtime", records.runtimes.iter().map(|record| &record.head));
}

fn unique<'r>(log: &Log, kind: &str, heads: impl Iterator<Item = &'r Head>) {
    let mut seen: Vec<(String, Place)> = Vec::new();
    for name in heads.filter_map(|head| head.name.as_ref()) {
        let lower = name.text.to_lowercase();
        match seen.iter().find(|(there, _)| *there == lower) {
            Some((_, first)) => {
                let message = format!("two `{kind}` are called `{}`", name.text);
                log.add(Fault::new(name.place, message).also("the other one", *first));
            }
            None => seen.push((lower, name.place)),
        }
    }
}
