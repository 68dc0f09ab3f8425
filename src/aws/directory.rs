//! Who a person is in an Identity Center instance: by what the manifest says, else by the user name,
//! else by an e-mail address, compared without case; never a guess between several.

mod group;

use super::holders;
use super::membership::{self, Membership};
use super::reach::Reach;
use super::{AwsError, ClockMillis};
use crate::access::{Email, Principal};
use aws_sdk_identitystore::types::{AlternateIdentifier, Filter, UniqueAttribute, User};
use aws_smithy_types::Document;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A list of all users serves those it shows for so long …
const KNOWN_FOR_MS: i64 = 10 * 60_000;
/// … and those it does not show for so long: a person may have been added since.
const MISSING_FOR_MS: i64 = 60_000;
/// How many users are read at most, a hundred at a time.
const MAX_PAGES: usize = 200;

/// What is known about identity stores.
pub(super) struct Directory {
    clock: ClockMillis,
    /// The identity store of an instance; it never changes.
    stores: Mutex<HashMap<String, String>>,
    lists: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<UserList>>>>>,
    groups: group::Groups,
}

/// All users of an identity store by what they can be found by, in lower case. ASCII only: Unicode
/// folds letters together that look alike (the Kelvin sign and `k`), and addresses decide over rights.
#[derive(Default)]
struct UserList {
    read_at: i64,
    is_complete: bool,
    by_name: HashMap<String, Vec<String>>,
    by_email: HashMap<String, Vec<String>>,
}

impl Directory {
    pub(super) fn new(clock: ClockMillis) -> Self {
        Self { clock, stores: Mutex::default(), lists: Mutex::default(), groups: group::Groups::default() }
    }

    /// The user of the instance.
    pub(super) async fn find_user(
        &self,
        reach: &Reach,
        instance_arn: &str,
        email: &Email,
        override_: Option<&str>,
    ) -> Result<Principal, AwsError> {
        let store = self.store(reach, instance_arn).await?;
        let search = Search { directory: self, reach, store: &store, instance_arn };
        match search.user(email, override_).await? {
            Some(user_id) => Ok(Principal::SsoUser { identity_store_id: store, user_id }),
            None => Err(search.nobody(override_)),
        }
    }

    /// Whether the person is a direct member of the group of that display name. A group that does not
    /// exist has no members, and who is not in the instance is in none of its groups.
    pub(super) async fn is_in_group(
        &self,
        reach: &Reach,
        instance_arn: &str,
        who: (&Email, Option<&str>),
        group: &str,
    ) -> Result<bool, AwsError> {
        let store = self.store(reach, instance_arn).await?;
        let search = Search { directory: self, reach, store: &store, instance_arn };
        let Some(group_id) = search.group(group).await? else { return Ok(false) };
        let Some(user_id) = search.user(who.0, who.1).await? else { return Ok(false) };
        Membership { identity_store_id: &store, group_id: &group_id, user_id: &user_id }.look(reach).await
    }

    /// How many members the group of that display name has, as far as its first page shows; `None` when
    /// there is no such group.
    pub(super) async fn group_size(
        &self,
        reach: &Reach,
        instance_arn: &str,
        group: &str,
    ) -> Result<Option<usize>, AwsError> {
        let store = self.store(reach, instance_arn).await?;
        let search = Search { directory: self, reach, store: &store, instance_arn };
        let Some(group_id) = search.group(group).await? else { return Ok(None) };
        membership::size(reach, &store, &group_id).await
    }

    /// The addresses of the members of the group of that display name, or their user names where those are
    /// addresses; none when there is no such group.
    pub(super) async fn group_members(
        &self,
        reach: &Reach,
        instance_arn: &str,
        group: &str,
    ) -> Result<Vec<Email>, AwsError> {
        let store = self.store(reach, instance_arn).await?;
        let search = Search { directory: self, reach, store: &store, instance_arn };
        let Some(group_id) = search.group(group).await? else { return Ok(Vec::new()) };
        let members = match holders::members(reach, &store, &group_id).await {
            Ok(members) => members,
            // It has gone since.
            Err(error) if error.is_missing() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut emails = Vec::new();
        for member in members {
            let Principal::SsoUser { user_id, .. } = member.principal else { continue };
            let client = reach.identity_store().await?;
            let answer = client.describe_user().identity_store_id(&store).user_id(user_id).send().await;
            match answer.map_err(|error| reach.clients.failed("identitystore:DescribeUser", &error)) {
                Ok(user) => {
                    let names = user.user_name.iter().filter(|name| name.contains('@')).map(String::as_str);
                    let own = user.emails().iter().filter_map(|email| email.value());
                    emails.extend(own.chain(names).map(Email::new));
                }
                // They have gone since.
                Err(error) if error.is_missing() => {}
                Err(error) => return Err(error),
            }
        }
        emails.sort();
        emails.dedup();
        Ok(emails)
    }

    /// The identity store of an instance, asked once.
    pub(super) async fn store(&self, reach: &Reach, instance_arn: &str) -> Result<String, AwsError> {
        let known = {
            let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            stores.get(instance_arn).cloned()
        };
        if let Some(store) = known {
            return Ok(store);
        }
        let store = identity_store_of(reach, instance_arn).await?;
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.insert(instance_arn.to_owned(), store.clone());
        Ok(store)
    }
}

/// The identity store of an instance, as the instance list says.
pub(super) async fn identity_store_of(reach: &Reach, instance_arn: &str) -> Result<String, AwsError> {
    let mut token: Option<String> = None;
    loop {
        let page = reach
            .sso_admin()
            .await?
            .list_instances()
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| reach.clients.failed("sso:ListInstances", &error))?;
        let ours = page.instances().iter().find(|found| found.instance_arn() == Some(instance_arn));
        if let Some(store) = ours.and_then(|instance| instance.identity_store_id()) {
            return Ok(store.to_owned());
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Err(AwsError::permanent(format!(
                "There is no Identity Center instance {instance_arn} in region {}, as {} sees it. Ask your \
                 administrator whether `instance_arn` and `region` of the integration are right: an \
                 instance is visible only in its own region.",
                reach.clients.region(),
                reach.clients.actor()
            )));
        }
    }
}

/// One search in one identity store.
struct Search<'a> {
    directory: &'a Directory,
    reach: &'a Reach,
    store: &'a str,
    instance_arn: &'a str,
}

impl Search<'_> {
    /// The person, by what the manifest says where it says something.
    async fn user(&self, email: &Email, override_: Option<&str>) -> Result<Option<String>, AwsError> {
        match override_ {
            Some(text) => self.by_override(text).await,
            None => self.by_email(email).await,
        }
    }

    fn nobody(&self, override_: Option<&str>) -> AwsError {
        AwsError::permanent(match override_ {
            Some(text) => format!(
                "Identity Center instance {} has no user with the name or id `{text}`, which is what \
                 the manifest says you are. Ask your administrator to correct the `identity` block.",
                self.instance_arn
            ),
            None => format!(
                "Nobody in Identity Center instance {} has the user name or e-mail address of your Slack \
                 profile. Ask your administrator to add an `identity` block with your user name to the \
                 manifest.",
                self.instance_arn
            ),
        })
    }

    async fn by_override(&self, text: &str) -> Result<Option<String>, AwsError> {
        if is_user_id(text)
            && let Some(user_id) = self.by_id(text).await?
        {
            return Ok(Some(user_id));
        }
        if let Some(user_id) = self.by_index("userName", text).await?.into_user() {
            return Ok(Some(user_id));
        }
        match self.by_filter(text).await? {
            Some(user_id) => Ok(Some(user_id)),
            None => self.by_list(text, false).await,
        }
    }

    async fn by_email(&self, email: &Email) -> Result<Option<String>, AwsError> {
        let by_name = self.by_index("userName", email.as_str()).await?;
        if !by_name.is_unavailable() {
            if let Some(user_id) = by_name.into_user() {
                return Ok(Some(user_id));
            }
            if let Some(user_id) = self.by_index("emails.value", email.as_str()).await?.into_user() {
                return Ok(Some(user_id));
            }
        }
        match self.by_filter(email.as_str()).await? {
            Some(user_id) => Ok(Some(user_id)),
            None => self.by_list(email.as_str(), true).await,
        }
    }

    /// What an administrator wrote is believed where the role may not look: a wrong id fails the grant.
    async fn by_id(&self, user_id: &str) -> Result<Option<String>, AwsError> {
        let client = self.reach.identity_store().await?;
        let answer = client.describe_user().identity_store_id(self.store).user_id(user_id).send().await;
        match answer.map_err(|error| self.reach.clients.failed("identitystore:DescribeUser", &error)) {
            Ok(user) => Ok(Some(user.user_id)),
            Err(error) if error.is_denied() => Ok(Some(user_id.to_owned())),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The indexed look-up; sso-connector 1.x does not allow it.
    async fn by_index(&self, path: &str, value: &str) -> Result<Indexed, AwsError> {
        let attribute = UniqueAttribute::builder()
            .attribute_path(path)
            .attribute_value(Document::String(value.to_owned()))
            .build()
            .map_err(|error| AwsError::permanent(error.to_string()))?;
        let answer = self
            .reach
            .identity_store()
            .await?
            .get_user_id()
            .identity_store_id(self.store)
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await
            .map_err(|error| self.reach.clients.failed("identitystore:GetUserId", &error));
        match answer {
            Ok(found) => Ok(Indexed::User(found.user_id)),
            Err(error) if error.is_denied() => Ok(Indexed::Unavailable),
            // Not there, or not unique: the list tells the two apart.
            Err(error) if error.is_missing() || error.is_conflict() => Ok(Indexed::Nobody),
            // A value no attribute can have.
            Err(error) if error.code() == Some("ValidationException") => Ok(Indexed::Nobody),
            Err(error) => Err(error),
        }
    }

    /// The only filter AWS offers is the exact user name, and it is deprecated; sso-connector 1.x
    /// allows nothing else.
    #[expect(deprecated, reason = "sso-connector 1.x allows `ListUsers` only")]
    async fn by_filter(&self, name: &str) -> Result<Option<String>, AwsError> {
        let filter = Filter::builder().attribute_path("UserName").attribute_value(name).build();
        let filter = filter.map_err(|error| AwsError::permanent(error.to_string()))?;
        let client = self.reach.identity_store().await?;
        let answer = client.list_users().identity_store_id(self.store).filters(filter).send().await;
        let answer = answer.map_err(|error| self.reach.clients.failed("identitystore:ListUsers", &error));
        let users = match answer {
            Ok(page) => page.users,
            // Filters are deprecated, and a name may not be filterable: the list still tells.
            Err(error) if error.code() == Some("ValidationException") => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_named = |user: &User| user.user_name().is_some_and(|found| found.eq_ignore_ascii_case(name));
        self.only(users.iter().filter(|user| is_named(user)).map(|user| user.user_id.clone()).collect())
    }

    /// All users, compared without case: first the names, then the addresses.
    async fn by_list(&self, text: &str, with_emails: bool) -> Result<Option<String>, AwsError> {
        let list = {
            let mut lists = self.directory.lists.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(lists.entry(self.store.to_owned()).or_default())
        };
        let mut list = list.lock().await;
        let text = text.to_ascii_lowercase();
        let now = (self.directory.clock)();
        if let Some(known) = list.as_ref().filter(|known| (0..KNOWN_FOR_MS).contains(&(now - known.read_at)))
        {
            let found = self.only(known.hits(&text, with_emails))?;
            if found.is_some() || now - known.read_at < MISSING_FOR_MS {
                return known.checked(found);
            }
        }
        let fresh = list.insert(self.read_list(now).await?);
        let found = self.only(fresh.hits(&text, with_emails))?;
        fresh.checked(found)
    }

    async fn read_list(&self, now: i64) -> Result<UserList, AwsError> {
        let mut list = UserList { read_at: now, ..UserList::default() };
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let client = self.reach.identity_store().await?;
            let page = client
                .list_users()
                .identity_store_id(self.store)
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| self.reach.clients.failed("identitystore:ListUsers", &error))?;
            page.users.iter().for_each(|user| list.add(user));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                list.is_complete = true;
                break;
            }
        }
        Ok(list)
    }

    /// Never a guess.
    fn only(&self, mut hits: Vec<String>) -> Result<Option<String>, AwsError> {
        hits.sort();
        hits.dedup();
        if hits.len() > 1 {
            return Err(AwsError::permanent(format!(
                "{} users of Identity Center instance {} share the user name or e-mail address of your \
                 Slack profile: {}. Ask your administrator to add an `identity` block to the manifest that \
                 says which of them you are.",
                hits.len(),
                self.instance_arn,
                hits.join(", ")
            )));
        }
        Ok(hits.pop())
    }
}

/// What an indexed look-up says.
enum Indexed {
    User(String),
    Nobody,
    Unavailable,
}

impl Indexed {
    fn into_user(self) -> Option<String> {
        match self {
            Self::User(user_id) => Some(user_id),
            Self::Nobody | Self::Unavailable => None,
        }
    }

    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

impl UserList {
    fn add(&mut self, user: &User) {
        let put = |map: &mut HashMap<String, Vec<String>>, key: &str| {
            map.entry(key.to_ascii_lowercase()).or_default().push(user.user_id.clone());
        };
        if let Some(name) = user.user_name() {
            put(&mut self.by_name, name);
        }
        for address in user.emails().iter().filter_map(|email| email.value()) {
            put(&mut self.by_email, address);
        }
    }

    fn hits(&self, text: &str, with_emails: bool) -> Vec<String> {
        let by_name = self.by_name.get(text);
        let by_email = self.by_email.get(text).filter(|_| with_emails);
        by_name.or(by_email).cloned().unwrap_or_default()
    }

    /// Nobody found in a list that is not whole is no answer.
    fn checked(&self, found: Option<String>) -> Result<Option<String>, AwsError> {
        if found.is_none() && !self.is_complete {
            return Err(AwsError::permanent(format!(
                "None of the first {} users of the identity store has the user name or e-mail address of \
                 your Slack profile, and the bot reads no more than those. Ask your administrator to add an \
                 `identity` block with your user name to the manifest.",
                MAX_PAGES * 100
            )));
        }
        Ok(found)
    }
}

/// `[10 hex digits -] UUID`, as the identity store's model has it.
fn is_user_id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    matches!(lengths.as_slice(), [8, 4, 4, 4, 12] | [10, 8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, name: &str, emails: &[&str]) -> User {
        let email = |value: &&str| aws_sdk_identitystore::types::Email::builder().value(*value).build();
        let emails = emails.iter().map(email).collect();
        let user = User::builder()
            .identity_store_id("d-1")
            .user_id(id)
            .user_arn("arn")
            .revision("1")
            .user_name(name);
        user.set_emails(Some(emails)).build().unwrap()
    }

    #[test]
    fn a_list_finds_names_before_addresses_and_without_case() {
        let mut list = UserList { is_complete: true, ..UserList::default() };
        list.add(&user("1", "Ana@Example.com", &["ana.lima@example.com"]));
        list.add(&user("2", "ana2", &["ANA@example.com", "Both@example.com"]));
        list.add(&user("3", "ana3", &["both@example.com"]));
        assert_eq!(list.hits("ana@example.com", true), ["1"]);
        assert_eq!(list.hits("ana.lima@example.com", true), ["1"]);
        assert_eq!(list.hits("ana.lima@example.com", false), Vec::<String>::new());
        assert_eq!(list.hits("both@example.com", true), ["2", "3"]);
        assert!(list.checked(None).unwrap().is_none());
        list.is_complete = false;
        assert!(list.checked(None).is_err());
    }

    #[test]
    fn user_ids_are_told_from_names() {
        assert!(is_user_id("906765a1b2-c3d4e5f6-0123-4567-89ab-cdef01234567"));
        assert!(is_user_id("c3d4e5f6-0123-4567-89ab-cdef01234567"));
        assert!(!is_user_id("ana-lima"));
        assert!(!is_user_id("ana@example.com"));
    }
}
