//! What a job needs to call AWS: the clients of its session, and a turn.

use super::budget::{Budget, Known, OperationSeat, Place, Urgency};
use super::clients::Clients;
use super::{AwsError, Wanted};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One job's way to AWS.
pub(super) struct Reach {
    pub(super) clients: Arc<Clients>,
    /// The Identity Center instance's budget, where quotas are kept.
    budget: Option<Arc<Budget>>,
    urgency: Urgency,
    /// The place the job came with.
    place: Mutex<Option<Place>>,
    /// A call has been made.
    has_called: Arc<AtomicBool>,
}

impl Reach {
    pub(super) fn new(
        clients: Arc<Clients>,
        budget: Option<Arc<Budget>>,
        urgency: Urgency,
        place: Option<Place>,
        has_called: Arc<AtomicBool>,
    ) -> Self {
        Self { clients, budget, urgency, place: Mutex::new(place), has_called }
    }

    /// Clients for one call of sso-admin, once it is its turn.
    pub(super) async fn sso_admin(&self) -> Result<&aws_sdk_ssoadmin::Client, AwsError> {
        self.turn().await?;
        Ok(self.clients.sso_admin())
    }

    /// Clients for one call of the identity store, which counts against the same quota.
    pub(super) async fn identity_store(&self) -> Result<&aws_sdk_identitystore::Client, AwsError> {
        self.turn().await?;
        Ok(self.clients.identity_store())
    }

    /// Clients for the call of sso-admin that gives access.
    pub(super) async fn sso_admin_to_give(
        &self,
        is_wanted: Wanted<'_>,
    ) -> Result<&aws_sdk_ssoadmin::Client, AwsError> {
        self.turn_to_give(is_wanted).await?;
        Ok(self.clients.sso_admin())
    }

    /// Clients for the call of the identity store that gives access.
    pub(super) async fn identity_store_to_give(
        &self,
        is_wanted: Wanted<'_>,
    ) -> Result<&aws_sdk_identitystore::Client, AwsError> {
        self.turn_to_give(is_wanted).await?;
        Ok(self.clients.identity_store())
    }

    /// Clients for the call of IAM that gives access, which no quota of ours counts.
    pub(super) fn iam_to_give(&self, is_wanted: Wanted<'_>) -> Result<&aws_sdk_iam::Client, AwsError> {
        if is_wanted() { Ok(self.clients.iam()) } else { Err(unwanted()) }
    }

    async fn turn(&self) -> Result<(), AwsError> {
        self.turn_to_give(&|| true).await
    }

    /// After the turn has come nothing is waited for: what was decided while it was is heeded.
    async fn turn_to_give(&self, is_wanted: Wanted<'_>) -> Result<(), AwsError> {
        if let Some(budget) = &self.budget {
            budget.turn(self.urgency).await?;
        }
        if !is_wanted() {
            return Err(unwanted());
        }
        self.has_called.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// A place for an operation about to be started: the one the job came with, or another.
    pub(super) async fn place(&self, seat: OperationSeat) -> Result<Place, AwsError> {
        let own = self.place.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (own, &self.budget) {
            (Some(place), _) => Ok(place),
            (None, Some(budget)) => budget.place(self.urgency, seat).await,
            (None, None) => Ok(Place::uncounted()),
        }
    }

    /// Counts an operation there as running, or no longer.
    pub(super) fn note(&self, seat: &OperationSeat, is_running: bool) {
        match &self.budget {
            Some(budget) if is_running => budget.heard_of(seat),
            Some(budget) => budget.ended(seat),
            None => {}
        }
    }

    /// What is known about an operation without asking about it alone.
    pub(super) fn known(&self, kind: &'static str, operation: &str) -> Known {
        self.budget.as_ref().map_or(Known::NotRunning, |budget| budget.known(kind, operation))
    }

    /// What a look at the running operations of a kind has shown; `None` when it failed.
    pub(super) fn saw(&self, kind: &'static str, running: Option<&[String]>) {
        if let Some(budget) = &self.budget {
            budget.saw(kind, running);
        }
    }
}

/// As if others had gone first: nothing was tried, and what is owed now is in the books.
fn unwanted() -> AwsError {
    AwsError::crowded("The access was no longer wanted when it was its turn to be given.")
}
