//! What a job needs to call AWS: the clients of its session, and a turn.

use super::AwsError;
use super::budget::{Budget, Place, Urgency};
use super::clients::Clients;
use std::sync::Arc;

/// One job's way to AWS.
pub(super) struct Reach {
    pub(super) clients: Arc<Clients>,
    /// The Identity Center instance's budget, where quotas are kept.
    pub(super) budget: Option<Arc<Budget>>,
    pub(super) urgency: Urgency,
}

impl Reach {
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

    async fn turn(&self) -> Result<(), AwsError> {
        match &self.budget {
            Some(budget) => budget.turn(self.urgency).await,
            None => Ok(()),
        }
    }

    /// A place for an operation about to be started.
    pub(super) fn place(&self) -> Result<Place, AwsError> {
        match &self.budget {
            Some(budget) => budget.place(self.urgency),
            None => Ok(Place::uncounted()),
        }
    }

    /// Counts an operation on this as running, or no longer.
    pub(super) fn note(&self, on: &str, is_running: bool) {
        match &self.budget {
            Some(budget) if is_running => budget.heard_of(on),
            Some(budget) => budget.ended(on),
            None => {}
        }
    }
}
