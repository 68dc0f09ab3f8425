//! Membership of a group of an Identity Center identity store. Synchronous; a removal needs the
//! membership's id.

use super::reach::Reach;
use super::target::still_there;
use super::{AwsError, Progress, Wanted};
use aws_sdk_identitystore::operation::get_group_membership_id::GetGroupMembershipIdError;
use aws_sdk_identitystore::types::error::ResourceNotFoundException;
use aws_sdk_identitystore::types::{MemberId, ResourceType};

#[expect(clippy::struct_field_names, reason = "AWS's own names")]
#[derive(Clone, Copy)]
pub(super) struct Membership<'a> {
    pub(super) identity_store_id: &'a str,
    pub(super) group_id: &'a str,
    pub(super) user_id: &'a str,
}

impl Membership<'_> {
    pub(super) async fn look(&self, reach: &Reach) -> Result<bool, AwsError> {
        Ok(self.id(reach).await?.is_some())
    }

    pub(super) async fn grant(&self, reach: &Reach, is_wanted: Wanted<'_>) -> Result<Progress, AwsError> {
        let answer = reach
            .identity_store_to_give(is_wanted)
            .await?
            .create_group_membership()
            .identity_store_id(self.identity_store_id)
            .group_id(self.group_id)
            .member_id(self.member())
            .send()
            .await
            .map_err(|error| reach.clients.failed("identitystore:CreateGroupMembership", &error));
        match answer {
            Ok(_) => Ok(Progress::Done),
            // "Already a member" and "something else is going on" share this code.
            Err(error) if error.is_conflict() => {
                if self.look(reach).await? {
                    Ok(Progress::Done)
                } else {
                    Err(error)
                }
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn revoke(&self, reach: &Reach) -> Result<Progress, AwsError> {
        let Some(id) = self.id_to_remove(reach).await? else { return Ok(Progress::Done) };
        let answer = reach
            .identity_store()
            .await?
            .delete_group_membership()
            .identity_store_id(self.identity_store_id)
            .membership_id(id)
            .send()
            .await
            .map_err(|error| reach.clients.failed("identitystore:DeleteGroupMembership", &error));
        if let Err(error) = answer
            && !error.is_missing()
        {
            return Err(error);
        }
        if self.look(reach).await? { Err(still_there()) } else { Ok(Progress::Done) }
    }

    /// Nothing can be removed without its id, so that a read comes first; and reads lag behind writes.
    /// An absence that has been read one way is read another way too, before it counts as proof.
    async fn id_to_remove(&self, reach: &Reach) -> Result<Option<String>, AwsError> {
        if let Some(id) = self.id(reach).await? {
            return Ok(Some(id));
        }
        match self.listed_id(reach).await {
            // The user is gone; or the role may not ask this, and the first answer stands.
            Err(error) if error.is_missing() || error.is_unavailable() => Ok(None),
            answer => answer,
        }
    }

    fn member(&self) -> MemberId {
        MemberId::UserId(self.user_id.to_owned())
    }

    /// The membership's id, if there is a membership.
    async fn id(&self, reach: &Reach) -> Result<Option<String>, AwsError> {
        let answer = reach
            .identity_store()
            .await?
            .get_group_membership_id()
            .identity_store_id(self.identity_store_id)
            .group_id(self.group_id)
            .member_id(self.member())
            .send()
            .await;
        let error = match answer {
            Ok(found) => return Ok(Some(found.membership_id)),
            Err(error) => error,
        };
        let is_store_missing = is_store_missing(error.as_service_error());
        let error = reach.clients.failed("identitystore:GetGroupMembershipId", &error);
        match error {
            // The group, the user or the membership is gone, and the membership with it.
            error if error.is_missing() && !is_store_missing => Ok(None),
            error if error.is_unavailable() => match self.listed_id(reach).await {
                Err(second) if second.is_unavailable() => Err(error),
                answer => answer,
            },
            error => Err(error),
        }
    }

    /// The same by listing the groups of the user.
    async fn listed_id(&self, reach: &Reach) -> Result<Option<String>, AwsError> {
        let mut token: Option<String> = None;
        loop {
            let page = reach
                .identity_store()
                .await?
                .list_group_memberships_for_member()
                .identity_store_id(self.identity_store_id)
                .member_id(self.member())
                .max_results(100)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| {
                    reach.clients.failed("identitystore:ListGroupMembershipsForMember", &error)
                })?;
            let ours =
                page.group_memberships.into_iter().find(|found| found.group_id() == Some(self.group_id));
            if let Some(ours) = ours {
                return Ok(Some(ours.membership_id));
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(None);
            }
        }
    }
}

/// How many members a group has, as far as the first page shows; `None` when the group is gone.
pub(super) async fn size(reach: &Reach, store: &str, group_id: &str) -> Result<Option<usize>, AwsError> {
    let answer = reach
        .identity_store()
        .await?
        .list_group_memberships()
        .identity_store_id(store)
        .group_id(group_id)
        .max_results(100)
        .send()
        .await
        .map_err(|error| reach.clients.failed("identitystore:ListGroupMemberships", &error));
    match answer {
        Ok(page) => Ok(Some(page.group_memberships.len())),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_store_missing(error: Option<&GetGroupMembershipIdError>) -> bool {
    matches!(error, Some(GetGroupMembershipIdError::ResourceNotFoundException(missing)) if means_store(missing))
}

/// Whether it is the whole store that AWS cannot see: wrong region, wrong account, key trouble. That
/// proves nothing about what is in it.
pub(super) fn means_store(missing: &ResourceNotFoundException) -> bool {
    let text = missing.message().unwrap_or_default().to_lowercase().replace(['_', ' '], "");
    missing.resource_type() == Some(&ResourceType::IdentityStore)
        || missing.reason().is_some()
        || text.contains("identitystore")
}
