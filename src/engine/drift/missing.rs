//! What claims hold and AWS does not have: looked at once more, and then put to the books.

use super::session;
use crate::access::{
    Custody, Entitlement, EntitlementId, Event, Holding, Missing, Reading, RequestId, Resource, Scope, Sweep,
    unknown,
};
use crate::engine::{About, Engine};
use crate::policy::Denial;
use crate::store::{Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// More than so many claims …
const MANY: usize = 10;
/// … and this part of all: AWS is more likely to have answered wrongly than to have lost them.
const PART: usize = 2;

/// Whether so many of those that are held can be missing at once.
pub(super) fn is_likely(absent: usize, held: usize) -> bool {
    absent <= MANY || absent * PART <= held
}

impl Engine {
    /// What a list has not shown is looked at by itself, and only then put to the books, which may
    /// know better by now. `is_likely` says whether so much can be missing at once.
    pub(super) async fn put_to_the_books(
        &self,
        id: &EntitlementId,
        is_likely: bool,
        previous: Option<&Sweep>,
        sweep: &mut Sweep,
    ) -> Result<(), StoreError> {
        let Some(entitlement) = self.shared.store.entitlement(id)? else { return Ok(()) };
        let requests: Vec<RequestId> = entitlement.claims.keys().cloned().collect();
        let names: Vec<&str> = requests.iter().map(RequestId::as_str).collect();
        let names = names.join(", ");
        let found = if is_likely {
            self.looked_again(&entitlement).await?
        } else {
            Err("AWS shows none of most claims at once, which is more likely a mistake of the reading than the \
                 truth. Nothing was closed: look at one of them by hand."
                .to_owned())
        };
        match found {
            Ok(None) => {}
            Ok(Some(fit)) => {
                let event = Event::FoundAbsent { since: sweep.at, fit };
                if self.apply(&About::Entitlement(id.clone()), &event).await?.is_ok() {
                    // Not the entitlement's id: a user name can be an address.
                    tracing::warn!(requests = names, "somebody removed access in AWS that was claimed");
                    let Entitlement { principal, resource, .. } = entitlement;
                    sweep.missing.push(Missing { holding: Holding { principal, resource }, requests });
                }
            }
            Err(why) => {
                let (what, scope) = (format!("the access of request {names}"), Scope::Claim(id.clone()));
                sweep.unknown.push(unknown(previous, scope, what, why, sweep.at));
            }
        }
        Ok(())
    }

    /// Nothing when it is there; otherwise the requests on whose account it may be given again. An
    /// error says why that is not known.
    async fn looked_again(
        &self,
        entitlement: &Entitlement,
    ) -> Result<Result<Option<BTreeSet<RequestId>>, String>, StoreError> {
        let connection = self.connection(entitlement);
        let (principal, resource) = (&entitlement.principal, &entitlement.resource);
        match self.shared.aws.look_in_background(&session(&connection), principal, resource).await {
            Ok(true) => return Ok(Ok(None)),
            Ok(false) => {}
            Err(error) => return Ok(Err(error.to_string())),
        }
        let mut fit = BTreeSet::new();
        for id in entitlement.claims.keys() {
            let Some(request) = self.shared.store.request(id)?.filter(|request| request.terms.restores)
            else {
                continue;
            };
            let requester = self.requester_now(id).await;
            let denial = self.denial(&request, requester.as_ref());
            match (requester, denial) {
                // Who was off-boarded may have lost it for that very reason.
                (Some(requester), _) if requester.unfit().is_some() => {}
                (Some(_), Denial::By { .. }) => {}
                (Some(_), Denial::No) => {
                    fit.insert(id.clone());
                }
                // Nobody is let in on a guess, and nobody's access is closed on one.
                (None, _) | (_, Denial::Unknown { .. }) => {
                    return Ok(Err("AWS does not have it any more. The flow wants it given again, and it \
                                   could not be found out whether the requester may still have it. Nothing was \
                                   done; the next comparison tries again."
                        .to_owned()));
                }
            }
        }
        Ok(Ok(Some(fit)))
    }
}

/// What claims hold and a list that was read whole has not shown; and how much claims hold in those.
pub(super) fn absent(store: &Store, readings: &[Reading]) -> (Vec<EntitlementId>, usize) {
    let by_resource: BTreeMap<&Resource, &Reading> = readings
        .iter()
        .filter(|reading| reading.holders.is_ok())
        .filter_map(|reading| match &reading.scope {
            Scope::Resource(resource) => Some((resource, reading)),
            Scope::PermissionSet { .. } | Scope::Target { .. } | Scope::Claim(_) | Scope::Trail => None,
        })
        .collect();
    let mut absent = Vec::new();
    let mut held = 0;
    for entitlement in store.entitlements() {
        if !matches!(entitlement.custody, Custody::Held { .. }) {
            continue;
        }
        let Some(reading) = by_resource.get(&entitlement.resource) else { continue };
        held += 1;
        let holding = Holding { principal: entitlement.principal, resource: entitlement.resource };
        if reading.shows_absent(&holding) {
            absent.push(entitlement.id);
        }
    }
    (absent, held)
}
