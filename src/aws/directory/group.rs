//! Groups of an identity store by their display name.

use super::{AwsError, KNOWN_FOR_MS, MISSING_FOR_MS, Search};
use crate::aws::membership::means_store;
use aws_sdk_identitystore::operation::get_group_id::GetGroupIdError;
use aws_sdk_identitystore::types::{AlternateIdentifier, Filter, UniqueAttribute};
use aws_smithy_types::Document;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Groups by identity store and name. An id that has gone since has no members, so that it may be
/// believed for a while.
#[derive(Default)]
pub(super) struct Groups(Mutex<HashMap<(String, String), Read>>);

/// What was read, and when.
struct Read {
    at: i64,
    /// Nothing when there was no such group.
    id: Option<String>,
}

/// What is remembered of a group.
enum Known {
    No,
    Missing,
    Id(String),
}

impl Groups {
    fn get(&self, key: &(String, String), now: i64) -> Known {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(read) = known.get(key) else { return Known::No };
        // A clock that was set back must not make an entry live for ever.
        let lasts = if read.id.is_some() { KNOWN_FOR_MS } else { MISSING_FOR_MS };
        if !(0..lasts).contains(&(now - read.at)) {
            return Known::No;
        }
        read.id.clone().map_or(Known::Missing, Known::Id)
    }

    fn put(&self, key: (String, String), at: i64, id: Option<String>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, Read { at, id });
    }
}

impl Search<'_> {
    /// The id of the group, if there is one of that name.
    pub(super) async fn group(&self, name: &str) -> Result<Option<String>, AwsError> {
        let key = (self.store.to_owned(), name.to_owned());
        let now = (self.directory.clock)();
        match self.directory.groups.get(&key, now) {
            Known::Id(id) => return Ok(Some(id)),
            Known::Missing => return Ok(None),
            Known::No => {}
        }
        let found = self.group_by_index(name).await?;
        self.directory.groups.put(key, now, found.clone());
        Ok(found)
    }

    async fn group_by_index(&self, name: &str) -> Result<Option<String>, AwsError> {
        let attribute = UniqueAttribute::builder()
            .attribute_path("displayName")
            .attribute_value(Document::String(name.to_owned()))
            .build()
            .map_err(|error| AwsError::permanent(error.to_string()))?;
        let answer = self
            .reach
            .identity_store()
            .await?
            .get_group_id()
            .identity_store_id(self.store)
            .alternate_identifier(AlternateIdentifier::UniqueAttribute(attribute))
            .send()
            .await;
        let error = match answer {
            Ok(found) => return Ok(Some(found.group_id)),
            Err(error) => error,
        };
        let is_store_missing = matches!(
            error.as_service_error(),
            Some(GetGroupIdError::ResourceNotFoundException(missing)) if means_store(missing)
        );
        match self.reach.clients.failed("identitystore:GetGroupId", &error) {
            error if error.is_missing() && !is_store_missing => Ok(None),
            error if error.is_unavailable() => self.group_by_filter(name, error).await,
            error => Err(error),
        }
    }

    /// The filter is deprecated; it is all that older connector roles allow.
    #[expect(deprecated, reason = "roles that may not call `GetGroupId`")]
    async fn group_by_filter(&self, name: &str, trouble: AwsError) -> Result<Option<String>, AwsError> {
        let filter = Filter::builder().attribute_path("DisplayName").attribute_value(name).build();
        let filter = filter.map_err(|error| AwsError::permanent(error.to_string()))?;
        let mut hits = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .reach
                .identity_store()
                .await?
                .list_groups()
                .identity_store_id(self.store)
                .filters(filter.clone())
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| {
                    let second = self.reach.clients.failed("identitystore:ListGroups", &error);
                    if second.is_unavailable() { trouble.clone() } else { second }
                })?;
            let named = page.groups.into_iter().filter(|group| group.display_name() == Some(name));
            hits.extend(named.map(|group| group.group_id));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        if hits.len() > 1 {
            return Err(AwsError::permanent(format!(
                "{} groups of Identity Center instance {} are called `{name}`. Ask your administrator to \
                 rename all but one of them.",
                hits.len(),
                self.instance_arn
            )));
        }
        Ok(hits.pop())
    }
}
