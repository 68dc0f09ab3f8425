//! What AWS holds and was asked, for stories about access.

use super::{Asked, Someone, World};
use sym::access::{Span, Status};
use sym::sandbox::aws::{Call, Outcome, Role};

pub(crate) const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111111111111111";
/// The permission set of *Prod admin*.
pub(crate) const ADMIN: &str = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111";
/// The permission set of *Read only*.
pub(crate) const READER: &str = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-2222222222222222";
/// The group of *Prod support*.
pub(crate) const SUPPORT: &str = "11112222-3333-4444-5555-666677778888";
pub(crate) const CLOUDWATCH: &str = "cloudwatch-readonly";
pub(crate) const PROD: &str = "111122223333";
pub(crate) const STAGING: &str = "444455556666";
pub(crate) const RUNTIME_ROLE: &str = "arn:aws:iam::111122223333:role/sym/SymRuntimeMain";
pub(crate) const SSO_ROLE: &str = "arn:aws:iam::111122223333:role/sym/SymSSOMain";
pub(crate) const IAM_ROLE: &str = "arn:aws:iam::111122223333:role/sym/SymIAMMain";
pub(crate) const BOT: &str = "arn:aws:iam::111122223333:user/sym-bot";

pub(crate) const HOUR: Span = Span::hours(1);

pub(crate) fn minutes(minutes: i64) -> Span {
    Span::minutes(minutes)
}

/// One moment less.
pub(crate) fn just_under(span: Span) -> Span {
    Span::millis(span.as_millis() - 1)
}

impl Someone<'_> {
    /// Whether AWS holds *Prod admin* for them.
    pub(crate) fn is_admin(&self) -> bool {
        self.world.aws().holds_assignment(INSTANCE, ADMIN, PROD, &self.player.sso_user)
    }

    /// Whether they are in the group of *Prod support*.
    pub(crate) fn is_support(&self) -> bool {
        self.world.aws().is_member(self.world.identity_store(), SUPPORT, &self.player.sso_user)
    }

    /// Whether they are in the IAM group.
    pub(crate) fn is_in_iam_group(&self) -> bool {
        self.world.aws().in_iam_group(PROD, CLOUDWATCH, &self.player.iam_user)
    }

    /// Asks for *Prod admin*.
    pub(crate) async fn asks_to_be_admin(&self, span: Span) -> Asked {
        self.asks_for("Prod admin").for_(span).because("INC-42").send().await
    }

    /// Asks for *Prod support* for an hour.
    pub(crate) async fn asks_to_be_support(&self) -> Asked {
        self.asks_for("").flow("groups").for_(HOUR).because("INC-42").send().await
    }
}

impl World {
    pub(crate) fn identity_store(&self) -> &str {
        self.stage.store_of(INSTANCE).unwrap()
    }

    /// Asks for *Prod admin* as this person, Bo approves, and AWS gives it.
    pub(crate) async fn admin(&self, handle: &str, span: Span) -> Asked {
        let request = self.person(handle).asks_to_be_admin(span).await;
        self.settle().await;
        self.person("bo").approves(&request).await;
        self.settle().await;
        assert!(self.is_active(&request), "{:?}", self.status(&request));
        request
    }

    /// Asks for *Prod support* as this person, Bo approves, and AWS gives it.
    pub(crate) async fn support(&self, handle: &str) -> Asked {
        let request = self.person(handle).asks_to_be_support().await;
        self.person("bo").approves(&request).await;
        self.settle().await;
        assert!(self.is_active(&request), "{:?}", self.status(&request));
        request
    }

    pub(crate) fn is_active(&self, request: &Asked) -> bool {
        matches!(self.status(request), Status::Active { .. })
    }

    /// The status in one word.
    pub(crate) fn word(&self, request: &Asked) -> String {
        let json = serde_json::to_value(self.status(request)).unwrap();
        json.as_object().and_then(|json| json.keys().next()).cloned().unwrap_or_default()
    }

    /// The calls that changed, or were to change, who holds what.
    pub(crate) fn changes(&self) -> Vec<String> {
        let writes = self.aws().writes().into_iter().filter(|call| call.operation != "AssumeRole");
        writes
            .map(|call| match call.outcome {
                Outcome::Done => call.operation,
                Outcome::Failed(code) => format!("{} {code}", call.operation),
                Outcome::Dropped => format!("{} dropped", call.operation),
                Outcome::Lost(_) => format!("{} lost", call.operation),
                Outcome::Hung => format!("{} hung", call.operation),
            })
            .collect()
    }

    pub(crate) fn count(&self, operation: &str) -> usize {
        self.aws().calls_of(operation).len()
    }

    /// Calls made for people's requests: everything but the list of accounts.
    pub(crate) fn calls_for_requests(&self) -> Vec<Call> {
        let calls = self.aws().calls().into_iter();
        calls.filter(|call| call.session_name.as_deref() != Some("sym-inventory")).collect()
    }

    /// How many calls were about somebody's access.
    pub(crate) fn calls_for_access(&self) -> usize {
        self.calls_for_requests().iter().filter(|call| call.operation != "AssumeRole").count()
    }

    /// A role of the chain as the stage made it, but for what is changed here.
    pub(crate) fn change_role(&self, arn: &str, change: impl FnOnce(&mut Role)) {
        let is_runtime = arn == RUNTIME_ROLE;
        let mut role = Role {
            trusted: vec![if is_runtime { BOT } else { RUNTIME_ROLE }.to_owned()],
            external_id: is_runtime.then(|| "b7d3c2e0-6d5f-4a7e-9f0e-1c2d3e4f5a6b".to_owned()),
            may_set_source_identity: true,
            allows: ["sso:*", "identitystore:*", "organizations:*", "iam:*", "sts:*"]
                .map(str::to_owned)
                .to_vec(),
            ..Role::default()
        };
        change(&mut role);
        self.aws().add_role(arn, role);
    }
}
