//! The names of people in AWS.

use super::Linker;
use crate::access::{Email, IntegrationName};
use crate::manifest::bag::Text;
use crate::manifest::catalog::Identity;
use crate::manifest::read::IdentityRecord;
use crate::manifest::reader::Got;
use crate::manifest::source::{Fault, Place};

impl Linker<'_> {
    pub(super) fn identities(&self) -> Vec<Identity> {
        let mut found: Vec<(Identity, Place)> = Vec::new();
        for record in &self.records.identities {
            let Some(identity) = self.identity(record) else { continue };
            let clash = found.iter().find(|(there, _)| clashes(there, &identity));
            if let Some((_, first)) = clash {
                let message = format!("`{}` is identified twice", identity.email);
                self.log.add(Fault::new(record.place, message).also("the first time", *first));
            }
            found.push((identity, record.place));
        }
        found.into_iter().map(|(identity, _)| identity).collect()
    }

    fn identity(&self, record: &IdentityRecord) -> Option<Identity> {
        let integrations = match &record.integrations {
            Got::Absent => Vec::new(),
            Got::Broken => return None,
            Got::Given(texts) => {
                if texts.items.is_empty() && texts.complete {
                    let place = texts.place.unwrap_or(record.place);
                    let fault = Fault::new(place, "`integrations` is empty: this holds nowhere");
                    self.log.add(fault.hint("leave it out if it holds everywhere"));
                }
                texts.items.iter().filter_map(|text| self.integration_name(text)).collect()
            }
        };
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.text.trim().to_owned());
        Some(Identity {
            email: Email::new(&record.email.as_ref()?.text),
            aws_sso: text(&record.aws_sso),
            aws_iam: text(&record.aws_iam),
            integrations,
        })
    }

    fn integration_name(&self, text: &Text) -> Option<IntegrationName> {
        let all = &self.records.integrations;
        let named = |name: &Option<Text>| name.as_ref().is_some_and(|name| name.text == text.text);
        let found = all.iter().find(|there| there.head.id == text.text || named(&there.head.name));
        let Some(found) = found else {
            self.no_such(text, "sym_integration", all.iter().map(|there| there.head.id.as_str()));
            return None;
        };
        if found.kind.is_some() && !found.is_aws() {
            let message = "only integrations of type `permission_context` lead to AWS";
            self.log.add(Fault::new(text.place, message).also("declared at", found.head.place));
        }
        Some(IntegrationName::new(found.head.name.as_ref()?.text.as_str()))
    }
}

/// Whether two entries say something about one person in one place.
fn clashes(a: &Identity, b: &Identity) -> bool {
    let same_name =
        (a.aws_sso.is_some() && b.aws_sso.is_some()) || (a.aws_iam.is_some() && b.aws_iam.is_some());
    let both_everywhere = a.integrations.is_empty() && b.integrations.is_empty();
    let common = a.integrations.iter().any(|integration| b.integrations.contains(integration));
    a.email == b.email && same_name && (both_everywhere || common)
}
