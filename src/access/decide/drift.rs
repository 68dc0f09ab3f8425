//! What is done when access that should be held is not: somebody removed it in AWS itself.

use super::Draft;
use super::machine::granting;
use crate::access::{
    Cause, ClaimStage, Custody, GRANT_WINDOW, NoticeKind, Refusal, RequestId, Span, Timestamp,
};
use std::collections::BTreeSet;

/// AWS's reads lag behind its writes: what it confirmed so shortly before is not missed yet.
const LAG: Span = Span::minutes(5);

impl Draft {
    /// Every claim whose flow does not want the access back, or whose requester may not have it any more,
    /// is closed. The others wait for AWS once
    /// more, and neither their end nor the moment at which they began moves. Custody goes on in any
    /// case: reads that show the access absent are no proof before it has been taken.
    pub(super) fn found_absent(
        &mut self,
        since: Timestamp,
        fit: &BTreeSet<RequestId>,
    ) -> Result<(), Refusal> {
        let at = self.at;
        let Some(entitlement) = self.case.entitlement.as_ref() else { return Err(Refusal::Stale) };
        let Custody::Held { retry } = &entitlement.custody else { return Err(Refusal::Stale) };
        // A claim that waits for AWS has a look of its own coming.
        if since > at || retry.at + LAG > since || entitlement.has_unconfirmed_claim() {
            return Err(Refusal::Stale);
        }
        // What is over by now ends for that reason, and nothing is given on its account.
        self.end_due_claims();
        let claims: Vec<RequestId> =
            self.case.entitlement.iter().flat_map(|entitlement| entitlement.claims.keys().cloned()).collect();
        let (restored, closed): (Vec<RequestId>, Vec<RequestId>) = claims
            .into_iter()
            .partition(|id| fit.contains(id) && self.case.requests.get(id).is_some_and(|r| r.terms.restores));
        for id in &closed {
            self.tell_of_removal(id, false, None);
        }
        let cause = Cause::RemovedByHand { restoring: None };
        self.end_claims(closed.into_iter().map(|id| (id, cause.clone())).collect());
        for id in &restored {
            let ends_at = self.wait_for_aws_again(id);
            self.tell_of_removal(id, true, ends_at);
        }
        if !restored.is_empty()
            && let Some(entitlement) = self.case.entitlement.as_mut()
        {
            entitlement.custody = granting(at);
        }
        Ok(())
    }

    /// The claim is unconfirmed again, within the end it has; returns that end.
    fn wait_for_aws_again(&mut self, id: &RequestId) -> Option<Timestamp> {
        let give_up_at = self.at + GRANT_WINDOW;
        let claim = self.case.entitlement.as_mut()?.claims.get_mut(id)?;
        let provisional_end = claim.latest_end();
        let give_up_at = provisional_end.map_or(give_up_at, |end| end.min(give_up_at));
        claim.stage = ClaimStage::Wanted { give_up_at, provisional_end };
        provisional_end
    }

    fn tell_of_removal(&mut self, id: &RequestId, is_restored: bool, ends_at: Option<Timestamp>) {
        let channel = self.case.requests.get(id).and_then(|request| request.terms.channel.clone());
        let kind = NoticeKind::RemovedByHand { is_restored, ends_at };
        self.tell_requester(id, kind.clone());
        self.tell_channel(id, channel, kind);
    }
}
