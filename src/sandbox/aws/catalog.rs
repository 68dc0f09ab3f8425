//! Every operation the simulation knows, with the members it accepts. What is not in here is
//! refused, so that a client that starts to use something new is noticed.
use super::wire::Service;

/// One operation of one service.
pub(super) struct Operation {
    pub(super) service: Service,
    pub(super) name: &'static str,
    /// It changes something in AWS.
    pub(super) write: bool,
    pub(super) required: &'static [&'static str],
    pub(super) optional: &'static [&'static str],
}

/// The operation with that name, if it is simulated.
pub(super) fn find(service: Service, name: &str) -> Option<&'static Operation> {
    CATALOG.iter().find(|operation| operation.service == service && operation.name == name)
}

const fn read(
    service: Service,
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Operation {
    Operation { service, name, write: false, required, optional }
}

const fn write(
    service: Service,
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Operation {
    Operation { service, name, write: true, required, optional }
}

const PAGE: &[&str] = &["MaxResults", "NextToken"];
const PAGE_FILTER: &[&str] = &["MaxResults", "NextToken", "Filter"];
const PAGE_FILTERS: &[&str] = &["MaxResults", "NextToken", "Filters"];
const TUPLE: &[&str] =
    &["InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId"];

#[rustfmt::skip]
const CATALOG: &[Operation] = {
    use Service::{Iam, IdentityStore as Ids, Organizations as Org, SsoAdmin as Sso, Sts};
    &[
        read(Sso, "ListInstances", &[], PAGE),
        read(Sso, "DescribePermissionSet", &["InstanceArn", "PermissionSetArn"], &[]),
        read(Sso, "ListPermissionSets", &["InstanceArn"], PAGE),
        read(Sso, "ListPermissionSetsProvisionedToAccount", &["InstanceArn", "AccountId"], PAGE),
        read(Sso, "ListAccountsForProvisionedPermissionSet", &["InstanceArn", "PermissionSetArn"], PAGE),
        write(Sso, "CreateAccountAssignment", TUPLE, &[]),
        write(Sso, "DeleteAccountAssignment", TUPLE, &[]),
        read(Sso, "DescribeAccountAssignmentCreationStatus", &["InstanceArn", "AccountAssignmentCreationRequestId"], &[]),
        read(Sso, "DescribeAccountAssignmentDeletionStatus", &["InstanceArn", "AccountAssignmentDeletionRequestId"], &[]),
        read(Sso, "ListAccountAssignmentCreationStatus", &["InstanceArn"], PAGE_FILTER),
        read(Sso, "ListAccountAssignmentDeletionStatus", &["InstanceArn"], PAGE_FILTER),
        read(Sso, "ListAccountAssignments", &["InstanceArn", "AccountId", "PermissionSetArn"], PAGE),
        read(Sso, "ListAccountAssignmentsForPrincipal", &["InstanceArn", "PrincipalId", "PrincipalType"], PAGE_FILTER),
        read(Ids, "GetUserId", &["IdentityStoreId", "AlternateIdentifier"], &[]),
        read(Ids, "DescribeUser", &["IdentityStoreId", "UserId"], &[]),
        read(Ids, "ListUsers", &["IdentityStoreId"], PAGE_FILTERS),
        read(Ids, "GetGroupId", &["IdentityStoreId", "AlternateIdentifier"], &[]),
        read(Ids, "DescribeGroup", &["IdentityStoreId", "GroupId"], &[]),
        read(Ids, "ListGroups", &["IdentityStoreId"], PAGE_FILTERS),
        write(Ids, "CreateGroupMembership", &["IdentityStoreId", "GroupId", "MemberId"], &[]),
        write(Ids, "DeleteGroupMembership", &["IdentityStoreId", "MembershipId"], &[]),
        read(Ids, "GetGroupMembershipId", &["IdentityStoreId", "GroupId", "MemberId"], &[]),
        read(Ids, "DescribeGroupMembership", &["IdentityStoreId", "MembershipId"], &[]),
        read(Ids, "IsMemberInGroups", &["IdentityStoreId", "MemberId", "GroupIds"], &[]),
        read(Ids, "ListGroupMemberships", &["IdentityStoreId", "GroupId"], PAGE),
        read(Ids, "ListGroupMembershipsForMember", &["IdentityStoreId", "MemberId"], PAGE),
        read(Org, "DescribeOrganization", &[], &[]),
        read(Org, "DescribeAccount", &["AccountId"], &[]),
        read(Org, "ListAccounts", &[], PAGE),
        read(Org, "ListRoots", &[], PAGE),
        read(Org, "ListOrganizationalUnitsForParent", &["ParentId"], PAGE),
        read(Org, "ListAccountsForParent", &["ParentId"], PAGE),
        read(Org, "ListParents", &["ChildId"], PAGE),
        read(Org, "DescribeOrganizationalUnit", &["OrganizationalUnitId"], &[]),
        read(Org, "ListTagsForResource", &["ResourceId"], &["NextToken"]),
        read(Iam, "GetUser", &[], &["UserName"]),
        read(Iam, "GetGroup", &["GroupName"], &["Marker", "MaxItems"]),
        read(Iam, "ListGroupsForUser", &["UserName"], &["Marker", "MaxItems"]),
        write(Iam, "AddUserToGroup", &["GroupName", "UserName"], &[]),
        write(Iam, "RemoveUserFromGroup", &["GroupName", "UserName"], &[]),
        read(Sts, "GetCallerIdentity", &[], &[]),
        read(Sts, "AssumeRole", &["RoleArn", "RoleSessionName"], &["DurationSeconds", "ExternalId", "SourceIdentity"]),
    ]
};
