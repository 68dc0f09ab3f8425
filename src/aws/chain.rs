//! Role chains: bot → runtime role → connector role, every hop optional, and the sessions they end in.

use super::clients::Clients;
use super::source_identity::{session_name, source_identity};
use super::{AwsError, ClockMillis};
use crate::access::{Connection, Email, Hop, RequestId};
use aws_config::SdkConfig;
use aws_sdk_sts::config::Credentials;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Role chaining is limited to one hour by AWS, and a role's maximum is never below it.
const SESSION_SECONDS: i32 = 3600;

/// How many sessions are kept: each request has its own, of use for an hour.
const MAX_SESSIONS: usize = 512;

/// The name of the sessions that all requests share: every hop but the last.
const SHARED_NAME: &str = "sym";

/// On whose behalf AWS is called, and how it is reached.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    /// The roles and the region.
    pub connection: &'a Connection,
    /// The request: the session's name in CloudTrail.
    pub name: &'a RequestId,
    /// The requester: the session's `SourceIdentity`, where the connection asks for it.
    pub source_identity: Option<&'a Email>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    region: String,
    hops: Vec<Hop>,
    name: String,
    source_identity: Option<String>,
}

#[derive(Default)]
struct Slot {
    /// Greater than that of every slot used less recently.
    used: AtomicU64,
    /// Held while the role is being assumed, so that ten calls at once make one session.
    clients: tokio::sync::Mutex<Option<Arc<Clients>>>,
}

/// All sessions the bot has at the moment.
pub(super) struct Chain {
    base: SdkConfig,
    clock: ClockMillis,
    /// The clients of Identity Center do not repeat calls by themselves.
    counts_calls: bool,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
    uses: AtomicU64,
}

impl Chain {
    pub(super) fn new(base: SdkConfig, clock: ClockMillis, counts_calls: bool) -> Self {
        Self { base, clock, counts_calls, slots: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Clients that act in the session, from the cache or by assuming the roles one after the other.
    pub(super) async fn open(&self, session: &Session<'_>) -> Result<Arc<Clients>, AwsError> {
        let region = self.region(session.connection)?;
        let hops = &session.connection.hops;
        let last = key_of(&region, session, hops.len());
        if let Some(clients) = self.cached(&last).await {
            return Ok(clients);
        }
        let mut clients = self.own(&region).await;
        for depth in 1..=hops.len() {
            clients = self.step(clients, key_of(&region, session, depth), hops.len()).await?;
        }
        Ok(clients)
    }

    /// Drops every session that passed through the session's first role: AWS has said that one of
    /// them is over, and does not say which.
    pub(super) fn forget(&self, session: &Session<'_>) {
        let first = session.connection.hops.first();
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|key, _| key.hops.first() != first);
    }

    #[cfg(test)]
    #[cfg(feature = "sandbox")]
    pub(super) fn len(&self) -> usize {
        self.slots.lock().unwrap().len()
    }

    fn region(&self, connection: &Connection) -> Result<String, AwsError> {
        let fallback = || self.base.region().map(|region| region.as_ref().to_owned());
        connection.region.clone().or_else(fallback).ok_or_else(|| {
            AwsError::permanent(format!(
                "No AWS region is known for integration `{}`: add `region` to its settings, or set \
                 AWS_REGION for the bot.",
                connection.integration
            ))
        })
    }

    async fn own(&self, region: &str) -> Arc<Clients> {
        let key =
            Key { region: region.to_owned(), hops: Vec::new(), name: String::new(), source_identity: None };
        let slot = self.slot(key);
        let mut clients = slot.clients.lock().await;
        Arc::clone(
            clients
                .get_or_insert_with(|| Arc::new(Clients::of_the_bot(&self.base, region, self.counts_calls))),
        )
    }

    async fn cached(&self, key: &Key) -> Option<Arc<Clients>> {
        let slot = {
            let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.get(key)?)
        };
        self.touch(&slot);
        slot.clients.lock().await.clone().filter(|clients| clients.is_fresh((self.clock)()))
    }

    async fn step(&self, from: Arc<Clients>, key: Key, chain: usize) -> Result<Arc<Clients>, AwsError> {
        let slot = self.slot(key.clone());
        let mut kept = slot.clients.lock().await;
        if let Some(clients) = kept.as_ref().filter(|clients| clients.is_fresh((self.clock)())) {
            return Ok(Arc::clone(clients));
        }
        let clients = Arc::new(self.assume(&from, &key, chain).await?);
        *kept = Some(Arc::clone(&clients));
        Ok(clients)
    }

    /// Our own `AssumeRole`: the SDK's provider cannot set `SourceIdentity`.
    async fn assume(&self, from: &Clients, key: &Key, chain: usize) -> Result<Clients, AwsError> {
        let Some(hop) = key.hops.last() else {
            return Err(AwsError::permanent("An empty role chain cannot be assumed."));
        };
        // Counted from before the call on our clock, so that neither a slow answer nor a clock that
        // differs from AWS's makes a session look longer than it is.
        let ends_at = (self.clock)() + i64::from(SESSION_SECONDS) * 1000;
        let answer = from
            .sts()
            .assume_role()
            .role_arn(&hop.role_arn)
            .role_session_name(&key.name)
            .set_external_id(hop.external_id.clone())
            .set_source_identity(key.source_identity.clone())
            .duration_seconds(SESSION_SECONDS)
            .send()
            .await
            .map_err(|error| {
                let error = from.failed("sts:AssumeRole", &error);
                let hint = if error.is_denied() { assume_hint(key, chain) } else { String::new() };
                error.with_hint(&hint)
            })?;
        let credentials = answer.credentials.ok_or_else(|| {
            AwsError::transient(format!("AWS returned no credentials for role {}.", hop.role_arn))
        })?;
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            None,
            "sym",
        );
        Ok(Clients::of_a_role(from, &hop.role_arn, credentials, ends_at))
    }

    /// The slot of a key. Makes room first, at the cost of the half used less recently: to find the
    /// single oldest one each time took longer than the call to AWS.
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_SESSIONS && !slots.contains_key(&key) {
            let used = |slot: &Arc<Slot>| slot.used.load(Ordering::Relaxed);
            let mut all: Vec<u64> = slots.values().map(used).collect();
            let (_, median, _) = all.select_nth_unstable(MAX_SESSIONS / 2);
            slots.retain(|_, slot| used(slot) > *median);
        }
        let slot = slots.entry(key).or_default();
        self.touch(slot);
        Arc::clone(slot)
    }

    fn touch(&self, slot: &Slot) {
        slot.used.store(self.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// The session after the first `depth` hops. Only the last one is the request's own: `SourceIdentity`
/// cannot be changed further down a chain, so that a shared session must not have one.
fn key_of(region: &str, session: &Session<'_>, depth: usize) -> Key {
    let hops = &session.connection.hops;
    let is_own = depth == hops.len() && depth > 0;
    let identity = session.source_identity.filter(|_| is_own && session.connection.source_identity);
    let name = match depth {
        0 => String::new(),
        _ if is_own => session_name(session.name.as_str()),
        _ => SHARED_NAME.to_owned(),
    };
    Key {
        region: region.to_owned(),
        hops: hops.iter().take(depth).cloned().collect(),
        name,
        source_identity: identity.map(|email| source_identity(email.as_str())),
    }
}

/// What a refused hop nearly always means with the roles of the Sym modules.
fn assume_hint(key: &Key, chain: usize) -> String {
    let (depth, role) = (key.hops.len(), key.hops.last().map_or("", |hop| hop.role_arn.as_str()));
    let mut hint = match key.hops.len().checked_sub(2).and_then(|before| key.hops.get(before)) {
        None => {
            let external_id = match key.hops.first().and_then(|hop| hop.external_id.as_ref()) {
                Some(_) => "the `external_id` of the integration differs from the one in the trust policy",
                None => "the trust policy asks for an `external_id` that the integration lacks",
            };
            format!(
                "Role {role} (hop {depth} of {chain}) did not let the bot in. Either its trust policy \
                 does not name the bot's AWS identity (`sym_account_id` of the runtime-connector module \
                 must be your own account), or {external_id}, or the bot's own policy lacks \
                 `sts:AssumeRole` on it."
            )
        }
        Some(before) => format!(
            "Role {role} (hop {depth} of {chain}) did not let role {} in. The usual causes: the account \
             of the role is missing from `account_id_safelist` of the runtime-connector, the role is not \
             under the path `/sym/`, or `runtime_role_arns` of the connector does not name the runtime \
             role.",
            before.role_arn
        ),
    };
    if key.source_identity.is_some() {
        hint.push_str(
            " The session carries a SourceIdentity: `sts:SetSourceIdentity` must be allowed by the trust \
             policy of the role and by the policy of its caller.",
        );
    }
    hint
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::IntegrationName;

    fn connection(hops: &[&str], source_identity: bool) -> Connection {
        let hop = |role: &&str| Hop { role_arn: (*role).to_owned(), external_id: None };
        Connection {
            integration: IntegrationName::new("aws"),
            region: Some("eu-west-1".to_owned()),
            hops: hops.iter().map(hop).collect(),
            source_identity,
        }
    }

    #[test]
    fn only_the_last_session_is_the_requests_own() {
        let (name, ana) = (RequestId::new("abcdefghijklm"), Email::new("Ana@Example.com"));
        let connection = connection(&["one", "two"], true);
        let session = Session { connection: &connection, name: &name, source_identity: Some(&ana) };
        let first = key_of("eu-west-1", &session, 1);
        assert_eq!((first.name.as_str(), first.source_identity), ("sym", None));
        let last = key_of("eu-west-1", &session, 2);
        assert_eq!(last.name, "abcdefghijklm");
        assert_eq!(last.source_identity.as_deref(), Some("ana@example.com"));
    }

    #[test]
    fn no_source_identity_unless_asked_for() {
        let (name, ana) = (RequestId::new("abcdefghijklm"), Email::new("ana@example.com"));
        let connection = connection(&["one"], false);
        let session = Session { connection: &connection, name: &name, source_identity: Some(&ana) };
        let only = key_of("eu-west-1", &session, 1);
        assert_eq!((only.name.as_str(), only.source_identity), ("abcdefghijklm", None));
    }

    #[test]
    fn a_refused_hop_is_explained() {
        let (name, ana) = (RequestId::new("abcdefghijklm"), Email::new("ana@example.com"));
        let connection = connection(&["one", "two"], true);
        let session = Session { connection: &connection, name: &name, source_identity: Some(&ana) };
        let first = assume_hint(&key_of("eu-west-1", &session, 1), 2);
        assert!(first.contains("asks for an `external_id`") && !first.contains("SourceIdentity"), "{first}");
        let last = assume_hint(&key_of("eu-west-1", &session, 2), 2);
        assert!(last.contains("account_id_safelist") && last.contains("sts:SetSourceIdentity"), "{last}");
    }
}
