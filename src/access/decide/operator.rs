//! What an operator does at the machine the bot runs on: ending, never giving.

use super::Draft;
use crate::access::{Cause, NoticeKind, Refusal, RequestId, Status};

impl Draft {
    /// Ends a claim as a click would, whatever the flow allows: the proof that the access is gone is
    /// owed as ever. A request that still waits is closed, so that nobody approves it later.
    pub(super) fn admin_revoked(
        &mut self,
        id: &RequestId,
        operator: &str,
        because: &str,
    ) -> Result<(), Refusal> {
        let at = self.at;
        let request = self.request(id)?;
        match request.status {
            Status::Identifying { .. } | Status::Pending { .. } => {
                let why = format!("An operator has closed your request: {because}");
                request.status = Status::Refused { why: why.clone(), at };
                self.tell_requester(id, NoticeKind::Refused { why });
            }
            Status::Granting { .. } | Status::Active { .. } => {
                let cause = Cause::Admin { operator: operator.to_owned(), because: because.to_owned() };
                self.end_claim(id, &cause);
            }
            Status::Ending { .. }
            | Status::Refused { .. }
            | Status::Denied { .. }
            | Status::Withdrawn { .. }
            | Status::Lapsed { .. }
            | Status::Approved { .. }
            | Status::AlreadyHeld { .. }
            | Status::Ended { .. } => return Err(Refusal::Over),
        }
        Ok(())
    }
}
