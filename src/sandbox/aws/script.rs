//! Faults on demand: which call goes wrong, and how.
use std::fmt;
use std::sync::Arc;

use super::reply::Failure;
use super::wire::{Request, Service};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service's own throttling error.
    Throttle,
    /// An internal error with this HTTP status.
    ServerError(u16),
    /// No answer ever; ends when the client closes the connection. Nothing is done.
    Hang,
    /// The work is done, then the connection is dropped.
    LoseReply,
    /// The connection is dropped before anything is done.
    DropBefore,
    /// Any other error; nothing is done.
    Error {
        /// The error code, such as `AccessDeniedException`.
        code: String,
        /// The error message.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// Create or delete of an assignment is accepted, and fails later with this reason. For other
    /// operations it does nothing.
    AsyncFail {
        /// What the status answers as `FailureReason`.
        reason: String,
    },
    /// The call waits this long (real milliseconds), then goes on as usual.
    Delay(u64),
    /// The service's own conflict error.
    Conflict,
    /// The read is answered as things were before the last change a client made, which is at times
    /// what AWS does. Has to be planned before that change; for writes it does nothing.
    Stale,
    /// The first entry of the list that is answered has nothing in it. For IAM it does nothing.
    Thin,
    /// The list that is answered has nothing in it, and no next page. For IAM it does nothing.
    Empty,
}

/// Which calls a fault meets: an operation (`*` for any), and which of its calls from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    operation: String,
    members: Vec<(String, String)>,
    skip: u32,
    left: Option<u32>,
}

impl Match {
    fn new(operation: &str, skip: u32, left: Option<u32>) -> Self {
        Self { operation: operation.into(), members: Vec::new(), skip, left }
    }

    /// The next call only.
    pub fn next(operation: &str) -> Self {
        Self::times(operation, 1)
    }

    /// Only the n-th call from now; 1 is the next.
    pub fn nth(operation: &str, n: u32) -> Self {
        Self::new(operation, n.saturating_sub(1), Some(1))
    }

    /// The next `count` calls.
    pub fn times(operation: &str, count: u32) -> Self {
        Self::new(operation, 0, Some(count))
    }

    /// Every call until `Aws::clear_faults`.
    pub fn every(operation: &str) -> Self {
        Self::new(operation, 0, None)
    }

    /// Only calls whose request has this text in this member (`PrincipalId`, `UserName`, …). Other
    /// calls are not counted.
    #[must_use]
    pub fn with(mut self, member: &str, text: &str) -> Self {
        self.members.push((member.into(), text.into()));
        self
    }

    fn is_about(&self, request: &Request) -> bool {
        let has = |(member, text): &(String, String)| {
            request.fields.get(member).and_then(serde_json::Value::as_str) == Some(text)
        };
        (self.operation == "*" || self.operation == request.operation) && self.members.iter().all(has)
    }

    /// Counts a call that it is about, and says whether it is the one, or one of those, meant.
    fn hits(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.left {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// On which side of its effect the cutting call is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CutSide {
    /// The call is lost on its way there: nothing happens.
    Before,
    /// The call takes effect, its answer is lost.
    After,
}

/// What is to be done with the call at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Proceed,
    Refuse(Failure),
    Wait(u64),
    AsyncFail(String),
    LoseReply,
    Drop,
    Hang,
    Stale,
    Thin,
    Empty,
}

/// Is told the operation of every call, and says on which side of its effect the call is lost, if it
/// is.
pub type Gatekeeper = Arc<dyn Fn(&str) -> Option<CutSide> + Send + Sync>;

#[derive(Default)]
pub(super) struct Script {
    faults: Vec<(Match, Fault)>,
    planned_cut: Option<(u32, CutSide)>,
    pub(super) cut: bool,
    pub(super) gate: Option<Gatekeeper>,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("faults", &self.faults)
            .field("planned_cut", &self.planned_cut)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

impl Script {
    pub(super) fn add(&mut self, which: Match, fault: Fault) {
        self.faults.push((which, fault));
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    pub(super) fn plans_stale_reads(&self) -> bool {
        self.faults.iter().any(|(_, fault)| *fault == Fault::Stale)
    }

    pub(super) fn plan_cut(&mut self, n: u32, side: CutSide) {
        self.planned_cut = Some((n.max(1), side));
        self.cut = false;
    }

    pub(super) fn restore(&mut self) {
        self.planned_cut = None;
        self.cut = false;
    }

    /// What happens to this call. Of several faults that are due the one planned first acts; the
    /// others wait for the next call. Those that are still to let calls pass count this one too.
    pub(super) fn next(&mut self, request: &Request) -> Step {
        if let Some(step) = self.next_cut() {
            return step;
        }
        let gated = self.gate.as_ref().and_then(|gate| gate(&request.operation));
        if let Some(side) = gated {
            return lost(side);
        }
        let mut acting = None;
        for (which, fault) in &mut self.faults {
            let counts = acting.is_none() || which.skip > 0;
            if counts && which.is_about(request) && which.hits() {
                acting = Some(fault.clone());
            }
        }
        self.faults.retain(|(which, _)| which.left != Some(0));
        acting.map_or(Step::Proceed, |fault| step(fault, request.service))
    }

    fn next_cut(&mut self) -> Option<Step> {
        let (left, side) = self.planned_cut.as_mut()?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        let side = *side;
        self.planned_cut = None;
        self.cut = true;
        Some(lost(side))
    }
}

fn lost(side: CutSide) -> Step {
    match side {
        CutSide::Before => Step::Drop,
        CutSide::After => Step::LoseReply,
    }
}

fn step(fault: Fault, service: Service) -> Step {
    match fault {
        Fault::Throttle => Step::Refuse(Failure::throttled(service)),
        Fault::ServerError(status) => Step::Refuse(Failure::server_error(service, status)),
        Fault::Hang => Step::Hang,
        Fault::Stale => Step::Stale,
        Fault::Thin => Step::Thin,
        Fault::Empty => Step::Empty,
        Fault::LoseReply => Step::LoseReply,
        Fault::DropBefore => Step::Drop,
        Fault::Error { code, message, status } => Step::Refuse(Failure::new(status, &code, &message)),
        Fault::AsyncFail { reason } => Step::AsyncFail(reason),
        Fault::Delay(ms) => Step::Wait(ms),
        Fault::Conflict => Step::Refuse(Failure::conflict(
            service,
            "Could not complete the request because of a conflicting operation in progress. Try \
             again later.",
        )),
    }
}
