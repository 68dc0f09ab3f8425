//! The way to AWS: environment → runtime → its context, then the strategy's own integration.

use super::Linker;
use crate::access::{Connection, Hop, IntegrationName};
use crate::manifest::arn;
use crate::manifest::catalog::{FlowEntry, Integration};
use crate::manifest::read::{EnvironmentRecord, IntegrationRecord, StrategyRecord};
use crate::manifest::source::Fault;
use std::collections::BTreeMap;

/// How a flow's strategy reaches AWS.
pub(super) struct Way<'a> {
    pub(super) integration: &'a IntegrationRecord,
    pub(super) connection: Connection,
}

impl<'a> Way<'a> {
    pub(super) fn of(
        linker: &Linker<'a>,
        environment: Option<&EnvironmentRecord>,
        strategy: Option<&'a StrategyRecord>,
    ) -> Option<Self> {
        let integration = linker.integration(strategy?)?;
        let runtime = environment.and_then(|environment| linker.runtime(environment));
        let context = runtime.and_then(|runtime| {
            let id = runtime.context.as_given()?;
            linker.records.integrations.iter().find(|there| there.head.id == id.text)
        });
        let chain = [context, Some(integration)];
        let chain: Vec<&IntegrationRecord> = chain.into_iter().flatten().collect();
        Some(Self { integration, connection: connection(integration, &chain)? })
    }
}

fn setting<'r>(record: &'r IntegrationRecord, name: &str) -> Option<&'r str> {
    record.settings.get(name).map(|text| text.text.as_str())
}

/// The roles of a chain of integrations, each once.
fn connection(last: &IntegrationRecord, chain: &[&IntegrationRecord]) -> Option<Connection> {
    let mut hops: Vec<Hop> = Vec::new();
    for record in chain {
        let Some(role) = setting(record, "role_arn") else { continue };
        let external_id = setting(record, "external_id").map(str::to_owned);
        match hops.iter_mut().find(|hop| hop.role_arn == role) {
            Some(hop) => hop.external_id = hop.external_id.take().or(external_id),
            None => hops.push(Hop { role_arn: role.to_owned(), external_id }),
        }
    }
    let region = chain.iter().rev().find_map(|record| setting(record, "region"));
    Some(Connection {
        integration: IntegrationName::new(last.head.name.as_ref()?.text.as_str()),
        region: region.map(str::to_owned),
        hops,
        source_identity: chain.iter().any(|record| setting(record, "source_identity") == Some("true")),
    })
}

/// The account that an integration is about.
pub(super) fn account_of(record: &IntegrationRecord) -> Option<&str> {
    let tenant = record.external_id.as_given().map(|text| text.text.as_str());
    setting(record, "account_id")
        .or(tenant.filter(|tenant| arn::is_account_id(tenant)))
        .or_else(|| setting(record, "role_arn").and_then(arn::account_of_role))
}

/// The Identity Center instance that an integration is about.
pub(super) fn instance_of(record: &IntegrationRecord) -> Option<&str> {
    let tenant = record.external_id.as_given().map(|text| text.text.as_str());
    setting(record, "instance_arn").or(tenant.filter(|tenant| arn::is_instance(tenant)))
}

impl<'a> Linker<'a> {
    /// The integration of a strategy, which has to lead to AWS.
    pub(super) fn integration(&self, strategy: &StrategyRecord) -> Option<&'a IntegrationRecord> {
        let integrations = &self.records.integrations;
        let found =
            self.find(&strategy.integration, "sym_integration", integrations, |there| &there.head.id)?;
        if found.is_aws() {
            return Some(found);
        }
        if let (Some(kind), Some(text)) = (&found.kind, strategy.integration.as_given()) {
            let message = format!("an integration of type `{}` does not lead to AWS", kind.text);
            let fault = Fault::new(text.place, message).hint("its type has to be `permission_context`");
            self.log.add(fault.also("declared at", found.head.place));
        }
        None
    }

    /// The ways to AWS by name.
    pub(super) fn integrations(&self, flows: &[FlowEntry]) -> BTreeMap<IntegrationName, Integration> {
        let mut all = BTreeMap::new();
        for record in self.records.integrations.iter().filter(|record| record.is_aws()) {
            let Some(own) = connection(record, &[record]) else { continue };
            let targets = flows.iter().flat_map(|entry| &entry.flow.targets);
            let used = targets
                .map(|target| &target.connection)
                .find(|connection| connection.integration == own.integration);
            let integration = Integration {
                portal_url: setting(record, "portal_url").map(str::to_owned),
                account_id: account_of(record).map(str::to_owned),
                instance_arn: instance_of(record).map(str::to_owned),
                in_use: used.is_some(),
                place: self.sources.line_of(record.head.place),
                connection: used.cloned().unwrap_or(own),
            };
            all.insert(integration.connection.integration.clone(), integration);
        }
        all
    }
}
