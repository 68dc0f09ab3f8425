use super::*;

#[tokio::test]
async fn a_group_of_identity_center() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), ops());
    assert!(!bench.look(&ana, &resource).await.unwrap());
    assert_eq!(bench.grant(&ana, &resource, false).await.unwrap(), Progress::Done);
    assert!(bench.sandbox.is_member(STORE, OPS, ANA));
    assert_eq!(bench.grant(&ana, &resource, false).await.unwrap(), Progress::Done);
    assert!(bench.look(&ana, &resource).await.unwrap());
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    assert!(!bench.sandbox.is_member(STORE, OPS, ANA));
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    bench.finish();
}

#[tokio::test]
async fn a_group_without_the_indexed_look_up() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), ops());
    bench.denies("GetGroupMembershipId");
    bench.give(&ana, &resource).await;
    assert!(bench.look(&ana, &resource).await.unwrap());
    bench.take(&ana, &resource).await;
    assert!(!bench.sandbox.is_member(STORE, OPS, ANA));
    bench.denies("ListGroupMembershipsForMember");
    let error = bench.look(&ana, &resource).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("from version 2.0 on"), "{error}");
}

#[tokio::test]
async fn groups_and_people_that_are_gone_hold_nothing() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), ops());
    bench.give(&ana, &resource).await;
    bench.sandbox.remove_sso_user(STORE, ANA);
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    bench.sandbox.remove_sso_group(STORE, OPS);
    assert_eq!(bench.revoke(&sso_user(BO), &resource).await.unwrap(), Progress::Done);
    let error = bench.grant(&sso_user(BO), &resource, false).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    // A store that is not there proves nothing.
    let elsewhere =
        Principal::SsoUser { identity_store_id: "d-0987654321".to_owned(), user_id: ANA.to_owned() };
    assert!(bench.revoke(&elsewhere, &resource).await.is_err());
}

#[tokio::test]
async fn a_removal_that_reads_do_not_show_yet_is_not_done() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), ops());
    bench.give(&ana, &resource).await;
    bench.sandbox.fault(Match::nth("GetGroupMembershipId", 2), Fault::Stale);
    let error = bench.revoke(&ana, &resource).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
}

#[tokio::test]
async fn an_iam_group() {
    let bench = bench().await;
    let resource = deployers();
    let ana = bench.find(&resource, "Ana@example.com", None).await.unwrap();
    assert_eq!(ana, iam_user("ana@example.com"));
    assert!(!bench.look(&ana, &resource).await.unwrap());
    assert_eq!(bench.grant(&ana, &resource, false).await.unwrap(), Progress::Done);
    assert!(bench.sandbox.in_iam_group(PROD, "deployers", "ana@example.com"));
    assert!(bench.look(&ana, &resource).await.unwrap());
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    assert!(!bench.sandbox.in_iam_group(PROD, "deployers", "ana@example.com"));
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    bench.finish();
}

#[tokio::test]
async fn an_iam_group_by_its_users_where_the_users_groups_are_closed() {
    let bench = bench().await;
    let (ana, resource) = (iam_user("ana@example.com"), deployers());
    bench.sandbox.page_size(Some(1));
    bench.sandbox.add_iam_user(PROD, "aaa").join_iam_group(PROD, "deployers", "aaa");
    bench.denies("ListGroupsForUser");
    bench.give(&ana, &resource).await;
    assert!(bench.look(&ana, &resource).await.unwrap());
    bench.take(&ana, &resource).await;
    bench.denies("GetGroup");
    let error = bench.look(&ana, &resource).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("iam:ListGroupsForUser"), "{error}");
}

#[tokio::test]
async fn a_deleted_iam_user_holds_nothing() {
    let bench = bench().await;
    let (ana, resource) = (iam_user("ana@example.com"), deployers());
    bench.give(&ana, &resource).await;
    bench.sandbox.remove_iam_user(PROD, "ana@example.com");
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    let error = bench.grant(&ana, &resource, false).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_role_in_the_wrong_account_changes_nothing() {
    let bench = bench().await;
    bench.sandbox.add_iam_group(MANAGEMENT, "deployers", "/").add_iam_user(MANAGEMENT, "ana@example.com");
    let wrong = Resource::IamGroup { account_id: MANAGEMENT.to_owned(), group_name: "deployers".to_owned() };
    let ana = iam_user("ana@example.com");
    for error in [
        bench.find(&wrong, "ana@example.com", None).await.map(|_| ()).unwrap_err(),
        bench.grant(&ana, &wrong, false).await.map(|_| ()).unwrap_err(),
        bench.look(&ana, &wrong).await.map(|_| ()).unwrap_err(),
        bench.revoke(&ana, &wrong).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("names the wrong role"), "{error}");
    }
    assert_eq!(bench.sandbox.holdings(), []);
}

/// A bot that uses its own identity and was started with credentials of another account.
#[tokio::test]
async fn what_is_absent_in_another_account_is_no_proof() {
    let bench = bench().await;
    let (ana, here) = (iam_user("ana@example.com"), deployers());
    bench.sandbox.join_iam_group(PROD, "deployers", "ana@example.com");
    let own = Connection { hops: Vec::new(), ..bench.to_iam.clone() };
    let name = RequestId::new("r1");
    let session = Session { connection: &own, name: &name, source_identity: None };
    for error in [
        bench.aws.look(&session, &ana, &here).await.map(|_| ()).unwrap_err(),
        bench.aws.grant(&session, &ana, &here, false, &|| true).await.map(|_| ()).unwrap_err(),
        bench.aws.revoke(&session, &ana, &here).await.map(|_| ()).unwrap_err(),
        bench.aws.holders(&session, &here).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("start the bot with credentials of that account"), "{error}");
    }
    assert!(bench.sandbox.in_iam_group(PROD, "deployers", "ana@example.com"));
}
