//! Looks, grants and revokes; repeatable; says *revoked* only when it has seen the access gone.

mod assignment;
mod budget;
mod chain;
mod clients;
mod directory;
mod error;
mod holders;
mod iam;
mod inventory;
mod membership;
mod reach;
mod source_identity;
mod target;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod tests;

pub use chain::Session;
pub use error::AwsError;
pub use holders::Holder;
pub use inventory::{Account, PlacedAccount};
pub use source_identity::source_identity;

use crate::access::{Email, OperationId, Principal, Resource, Span};
use budget::{Budgets, OperationSeat, Urgency};
use chain::Chain;
use directory::Directory;
use reach::Reach;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use target::Target;

/// The time in milliseconds since 1970, as the bot sees it.
pub type ClockMillis = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Whether access that is about to be given is wanted still.
pub type Wanted<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// How AWS is reached.
#[derive(Clone)]
pub struct Settings {
    /// One address for all services, in place of AWS's own: a simulation, or a private endpoint.
    pub endpoint_url: Option<String>,
    /// For connections that name none; otherwise the usual AWS chain says.
    pub region: Option<String>,
    /// The bot's own credentials.
    pub credentials: BaseCredentials,
    /// Decides when sessions are renewed.
    pub clock: ClockMillis,
    /// Keeps within Identity Center's quotas. Off only where nothing is throttled: benchmarks.
    pub keeps_quotas: bool,
    /// How often one call is tried before the error is reported: throttling, 5xx and timeouts only,
    /// within 15 seconds. Longer waits are the caller's, who writes down that it will come back.
    pub attempts: u32,
}

impl Settings {
    /// The usual AWS chain, quotas kept, two attempts.
    pub fn new(clock: ClockMillis) -> Self {
        Self {
            endpoint_url: None,
            region: None,
            credentials: BaseCredentials::Chain,
            clock,
            keeps_quotas: true,
            attempts: 2,
        }
    }
}

/// Where the bot's own credentials come from.
#[derive(Clone)]
pub enum BaseCredentials {
    /// The usual AWS chain: environment, profile, web identity, ECS, EC2.
    Chain,
    /// Fixed ones, for simulations.
    Static {
        /// The key's id.
        access_key_id: String,
        /// The key.
        secret_access_key: String,
    },
}

/// Says where from, never what.
impl fmt::Debug for BaseCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "Chain",
            Self::Static { .. } => "Static(…)",
        })
    }
}

/// How far a grant or a revocation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A grant: AWS holds the access. A revocation: a read has shown it absent.
    Done,
    /// AWS is working on it; ask about this operation.
    Running(OperationId),
}

/// AWS, over any number of role chains, instances and regions. Clones share sessions and budgets.
#[derive(Clone)]
pub struct Aws {
    inner: Arc<Inner>,
}

struct Inner {
    chain: Chain,
    directory: Directory,
    budgets: Option<Budgets>,
    attempts: u32,
}

/// What a job is, to the budget.
#[derive(Default)]
struct Job<'a> {
    instance_arn: Option<&'a str>,
    urgency: Option<Urgency>,
    /// Where it starts an operation.
    seat: Option<OperationSeat>,
    /// It only reads, for somebody who does not come back by themselves: it is tried again here.
    is_question: bool,
}

impl<'a> Job<'a> {
    fn question(instance_arn: Option<&'a str>) -> Self {
        Self { instance_arn, is_question: true, ..Self::default() }
    }

    fn background(instance_arn: &'a str) -> Self {
        Self { urgency: Some(Urgency::Background), ..Self::question(Some(instance_arn)) }
    }

    fn of(resource: &'a Resource, urgency: Urgency) -> Self {
        Self { instance_arn: instance_of(resource), urgency: Some(urgency), ..Self::default() }
    }

    fn starting(self, target: &Target<'_>) -> Self {
        Self { seat: target.seat(), ..self }
    }
}

impl Aws {
    /// Loads the AWS configuration; no call is made before the first one is needed, except that a
    /// region may be looked up where the bot runs on EC2.
    pub async fn new(settings: Settings) -> Self {
        let base = clients::base_config(&settings).await;
        let clock = &settings.clock;
        let inner = Inner {
            chain: Chain::new(base, Arc::clone(clock), settings.keeps_quotas),
            directory: Directory::new(Arc::clone(clock)),
            budgets: settings.keeps_quotas.then(|| Budgets::new(Arc::clone(clock))),
            attempts: settings.attempts.max(1),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Who AWS knows the person as, for this kind of resource: a user of the Identity Center
    /// instance, or an IAM user. `override_` is what the manifest says about them: a user name, or
    /// for Identity Center also a user id.
    ///
    /// # Errors
    /// Permanent when nobody or more than one user fits, in words that say what to do; never a guess.
    pub async fn find_principal(
        &self,
        session: &Session<'_>,
        resource: &Resource,
        email: &Email,
        override_: Option<&str>,
    ) -> Result<Principal, AwsError> {
        let instance = instance_of(resource);
        self.within(session, Job::question(instance), |reach| async move {
            match resource {
                Resource::SsoPermissionSet { instance_arn, .. } | Resource::SsoGroup { instance_arn, .. } => {
                    self.inner.directory.find_user(&reach, instance_arn, email, override_).await
                }
                Resource::IamGroup { account_id, .. } => {
                    iam::find_user(&reach, account_id, email, override_).await
                }
            }
        })
        .await
    }

    /// Whether AWS holds the access for the person directly: an assignment to the user (not through a
    /// group), or a membership.
    ///
    /// # Errors
    /// The read failed; nothing is known.
    pub async fn look(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
    ) -> Result<bool, AwsError> {
        self.look_at(session, principal, resource, Urgency::Usual).await
    }

    /// The same behind everything that people wait for.
    ///
    /// # Errors
    /// The read failed; nothing is known.
    pub async fn look_in_background(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
    ) -> Result<bool, AwsError> {
        self.look_at(session, principal, resource, Urgency::Background).await
    }

    async fn look_at(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
        urgency: Urgency,
    ) -> Result<bool, AwsError> {
        let target = Target::of(principal, resource)?;
        let job = Job::of(resource, urgency);
        self.within(session, job, |reach| async move { target.look(&reach).await }).await
    }

    /// Every user who holds the resource directly, behind everything that people wait for.
    ///
    /// # Errors
    /// Not every page was read, or an entry names nobody: nothing is known.
    pub async fn holders(&self, session: &Session<'_>, resource: &Resource) -> Result<Vec<Holder>, AwsError> {
        let job = Job { is_question: true, ..Job::of(resource, Urgency::Background) };
        let directory = &self.inner.directory;
        self.within(session, job, |reach| async move { holders::of(directory, &reach, resource).await }).await
    }

    /// The accounts in which a permission set is assigned to anybody, or was not long ago. Behind
    /// everything that people wait for.
    ///
    /// # Errors
    /// Not every page was read: nothing is known.
    pub async fn accounts_with(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        permission_set_arn: &str,
    ) -> Result<Vec<String>, AwsError> {
        self.within(session, Job::background(instance_arn), |reach| async move {
            holders::accounts_with(&reach, instance_arn, permission_set_arn).await
        })
        .await
    }

    /// What the users of an identity store are called, by id; behind everything that people wait for.
    ///
    /// # Errors
    /// Not every page was read.
    pub async fn user_names(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        identity_store_id: &str,
    ) -> Result<BTreeMap<String, String>, AwsError> {
        self.within(session, Job::background(instance_arn), |reach| async move {
            holders::names(&reach, identity_store_id).await
        })
        .await
    }

    /// Gives the access. Repeatable: `is_repeat` says that an earlier call may have reached AWS
    /// without its answer having reached us, and makes it look first and resume what is running.
    /// `is_wanted` is asked when nothing is to be waited for any more, just before the call.
    ///
    /// # Errors
    /// Not given, or not known to be: repeat with `is_repeat`. Crowded, without a call that gives it, when
    /// it is no longer wanted.
    pub async fn grant(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
        is_repeat: bool,
        is_wanted: Wanted<'_>,
    ) -> Result<Progress, AwsError> {
        let target = Target::of(principal, resource)?;
        let job = Job::of(resource, Urgency::Usual).starting(&target);
        self.within(session, job, |reach| async move { target.grant(&reach, is_repeat, is_wanted).await })
            .await
    }

    /// How the operation that gives the access goes.
    ///
    /// # Errors
    /// AWS's verdict is a failure, which ends the operation and is permanent unless AWS blames itself;
    /// or AWS does not know the operation, which ends it too; or the question failed.
    pub async fn poll_grant(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        let target = Target::of(principal, resource)?;
        let job = Job::of(resource, Urgency::Usual);
        self.within(session, job, |reach| async move { target.poll_grant(&reach, operation).await }).await
    }

    /// Takes the access away. Repeatable. [`Progress::Done`] only when a read has shown it absent and,
    /// for an assignment, no operation that would give it is running.
    ///
    /// # Errors
    /// Not proven absent: repeat.
    pub async fn revoke(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
    ) -> Result<Progress, AwsError> {
        let target = Target::of(principal, resource)?;
        let job = Job::of(resource, Urgency::Revocation).starting(&target);
        self.within(session, job, |reach| async move { target.revoke(&reach).await }).await
    }

    /// How the operation that takes the access away goes; once it is over, whatever its verdict, a
    /// read decides.
    ///
    /// # Errors
    /// Not proven absent. The operation is over where the error says so: revoke again.
    pub async fn poll_revoke(
        &self,
        session: &Session<'_>,
        principal: &Principal,
        resource: &Resource,
        operation: &OperationId,
    ) -> Result<Progress, AwsError> {
        let target = Target::of(principal, resource)?;
        let job = Job::of(resource, Urgency::Revocation);
        self.within(session, job, |reach| async move { target.poll_revoke(&reach, operation).await }).await
    }

    /// All accounts of the organization, as its management account or a delegated administrator sees
    /// them.
    ///
    /// # Errors
    /// Not all pages could be read.
    pub async fn accounts(&self, session: &Session<'_>) -> Result<Vec<Account>, AwsError> {
        self.within(session, Job::default(), |reach| async move { inventory::accounts(&reach).await }).await
    }

    /// Where accounts belong in the organization, and how they are tagged when `with_tags`.
    ///
    /// # Errors
    /// Not everything could be read; nothing is known then.
    pub async fn placed_accounts(
        &self,
        session: &Session<'_>,
        accounts: &[Account],
        with_tags: bool,
    ) -> Result<Vec<PlacedAccount>, AwsError> {
        self.within(session, Job::default(), |reach| async move {
            inventory::placed_accounts(&reach, accounts, with_tags).await
        })
        .await
    }

    /// Whether the person is a direct member of the Identity Center group of that display name. A group
    /// that does not exist has no members.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn is_in_group(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        email: &Email,
        override_: Option<&str>,
        group: &str,
    ) -> Result<bool, AwsError> {
        self.within(session, Job::question(Some(instance_arn)), |reach| async move {
            self.inner.directory.is_in_group(&reach, instance_arn, (email, override_), group).await
        })
        .await
    }

    /// How many members the Identity Center group of that display name has, a hundred at most; `None`
    /// when there is no such group.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn group_size(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        group: &str,
    ) -> Result<Option<usize>, AwsError> {
        self.within(session, Job::question(Some(instance_arn)), |reach| async move {
            self.inner.directory.group_size(&reach, instance_arn, group).await
        })
        .await
    }

    /// The addresses of the members of the Identity Center group of that display name; none when there is
    /// no such group.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn group_members(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        group: &str,
    ) -> Result<Vec<Email>, AwsError> {
        self.within(session, Job::question(Some(instance_arn)), |reach| async move {
            self.inner.directory.group_members(&reach, instance_arn, group).await
        })
        .await
    }

    /// How long a role session of the permission set lasts: access that was used just before its end
    /// lives on for so long. `None` when the role may not read it.
    ///
    /// # Errors
    /// The permission set could not be read for another reason.
    pub async fn session_length(
        &self,
        session: &Session<'_>,
        instance_arn: &str,
        permission_set_arn: &str,
    ) -> Result<Option<Span>, AwsError> {
        self.within(session, Job::question(Some(instance_arn)), |reach| async move {
            inventory::session_length(&reach, instance_arn, permission_set_arn).await
        })
        .await
    }

    /// How many jobs wait for the budget, after all have been served that can be served now.
    pub fn waiting(&self) -> usize {
        self.inner.budgets.as_ref().map_or(0, Budgets::waiting)
    }

    /// When the next of the jobs that wait may be served, in milliseconds of the clock.
    pub fn next_turn(&self) -> Option<i64> {
        self.inner.budgets.as_ref().and_then(Budgets::next_turn)
    }

    /// Returns when a job has begun to wait.
    pub async fn somebody_waits(&self) {
        match &self.inner.budgets {
            Some(budgets) => budgets.somebody_waits().await,
            None => std::future::pending().await,
        }
    }

    /// Nobody waits for the budget any more, now or later: whoever would is sent back, having done
    /// nothing.
    pub fn stop_waiting(&self) {
        if let Some(budgets) = &self.inner.budgets {
            budgets.close();
        }
    }

    /// Runs a job in the session, and once more in a new one when AWS says that the session is over.
    /// What would start an operation waits for its place first, before roles are assumed for it.
    async fn within<T, F>(
        &self,
        session: &Session<'_>,
        job: Job<'_>,
        work: impl Fn(Reach) -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, AwsError>>,
    {
        let budget = job.instance_arn.and_then(|arn| self.inner.budgets.as_ref().map(|all| all.of(arn)));
        let urgency = job.urgency.unwrap_or(Urgency::Usual);
        let has_called = Arc::new(AtomicBool::new(false));
        let tries = if job.is_question && budget.is_some() { self.inner.attempts } else { 1 };
        let mut left = tries;
        let mut is_renewed = false;
        loop {
            let place = match (&budget, &job.seat) {
                (Some(budget), Some(seat)) => Some(budget.place(urgency, seat.clone()).await),
                _ => None,
            };
            let answer = match place.transpose() {
                Err(error) => Err(error),
                Ok(place) => match self.inner.chain.open(session).await {
                    Ok(clients) => {
                        let called = Arc::clone(&has_called);
                        work(Reach::new(clients, budget.clone(), urgency, place, called)).await
                    }
                    Err(error) => Err(error),
                },
            };
            match answer {
                Err(error) if error.is_stale_session() && !is_renewed => {
                    is_renewed = true;
                    self.inner.chain.forget(session);
                }
                Err(error) if error.is_transient() && !error.is_crowded() && left > 1 => left -= 1,
                // After a call it may matter to its repetition that there was one.
                Err(error) if has_called.load(Ordering::Relaxed) => return Err(error.after_a_call()),
                other => return other,
            }
        }
    }
}

fn instance_of(resource: &Resource) -> Option<&str> {
    match resource {
        Resource::SsoPermissionSet { instance_arn, .. } | Resource::SsoGroup { instance_arn, .. } => {
            Some(instance_arn)
        }
        Resource::IamGroup { .. } => None,
    }
}
