//! Who is in a group of Identity Center, by the group's name.

use super::*;

impl Bench {
    async fn is_in(&self, email: &str, group: &str) -> Result<bool, AwsError> {
        let resource = ops();
        self.aws.is_in_group(&self.session(&resource), INSTANCE, &Email::new(email), None, group).await
    }

    async fn size(&self, group: &str) -> Result<Option<usize>, AwsError> {
        let resource = ops();
        self.aws.group_size(&self.session(&resource), INSTANCE, group).await
    }
}

#[tokio::test]
async fn members_are_in_it_and_others_are_not() {
    let bench = bench().await;
    bench.sandbox.join_group(STORE, OPS, ANA);
    assert!(bench.is_in("ana@example.com", "ops").await.unwrap());
    assert!(!bench.is_in("bo@example.com", "ops").await.unwrap());
    assert_eq!(bench.size("ops").await.unwrap(), Some(1));
    bench.calls();
    assert!(bench.is_in("Ana@Example.com", "ops").await.unwrap());
    assert_eq!(bench.calls(), ["GetUserId", "GetGroupMembershipId"], "the group's id is remembered");
    bench.sandbox.leave_group(STORE, OPS, ANA);
    assert!(!bench.is_in("ana@example.com", "ops").await.unwrap());
    bench.finish();
}

#[tokio::test]
async fn groups_and_people_that_are_not_there_are_no_trouble() {
    let bench = bench().await;
    bench.sandbox.join_group(STORE, OPS, ANA);
    assert!(!bench.is_in("ana@example.com", "nobody").await.unwrap());
    assert!(!bench.is_in("ana@example.com", "Ops").await.unwrap());
    assert!(!bench.is_in("stranger@example.com", "ops").await.unwrap());
    assert_eq!(bench.size("nobody").await.unwrap(), None);
    // It is looked for again a minute later.
    bench.sandbox.add_sso_group(STORE, "a1111111-2222-4333-8444-555555555555", "nobody");
    bench.sandbox.join_group(STORE, "a1111111-2222-4333-8444-555555555555", ANA);
    assert!(!bench.is_in("ana@example.com", "nobody").await.unwrap());
    bench.pass(60_000);
    assert!(bench.is_in("ana@example.com", "nobody").await.unwrap());
    bench.finish();
}

#[tokio::test]
async fn a_group_that_is_deleted_loses_its_members_at_once() {
    let bench = bench().await;
    bench.sandbox.join_group(STORE, OPS, ANA);
    assert!(bench.is_in("ana@example.com", "ops").await.unwrap());
    bench.sandbox.remove_sso_group(STORE, OPS);
    assert!(!bench.is_in("ana@example.com", "ops").await.unwrap());
}

#[tokio::test]
async fn without_the_indexed_look_up_the_filter_tells() {
    let bench = bench().await;
    bench.sandbox.join_group(STORE, OPS, ANA);
    bench.denies("GetGroupId");
    assert!(bench.is_in("ana@example.com", "ops").await.unwrap());
    assert!(!bench.is_in("ana@example.com", "nobody").await.unwrap());
    bench.denies("ListGroups");
    bench.pass(600_000);
    let error = bench.is_in("ana@example.com", "ops").await.unwrap_err();
    assert!(error.to_string().contains("`identitystore:GetGroupId`"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_a_no() {
    let bench = bench().await;
    bench.sandbox.fault(Match::next("GetGroupId"), Fault::ServerError(503));
    bench.sandbox.fault(Match::next("ListGroups"), Fault::ServerError(503));
    assert!(bench.is_in("ana@example.com", "ops").await.unwrap_err().is_transient());
    let lost = Fault::Error {
        code: "ResourceNotFoundException".to_owned(),
        message: "IDENTITY_STORE not found".to_owned(),
        status: 400,
    };
    bench.sandbox.fault(Match::next("GetGroupId"), lost);
    assert!(bench.is_in("ana@example.com", "ops").await.is_err(), "a store that is not seen proves nothing");
    assert!(!bench.is_in("ana@example.com", "ops").await.unwrap());
}
