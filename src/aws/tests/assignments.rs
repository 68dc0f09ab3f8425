use super::*;
use crate::sandbox::aws::OperationTime;

#[tokio::test]
async fn a_whole_life_costs_seven_calls_of_identity_center() {
    let bench = bench().await;
    let resource = admin();
    let ana = bench.find(&resource, "ana@example.com", None).await.unwrap();
    assert_eq!(ana, sso_user(ANA));
    assert!(!bench.look(&ana, &resource).await.unwrap());
    let operation = running(bench.grant(&ana, &resource, false).await);
    assert_eq!(bench.poll_grant(&ana, &resource, &operation).await.unwrap(), Progress::Done);
    assert!(bench.holds(ANA));
    let operation = running(bench.revoke(&ana, &resource).await);
    assert_eq!(bench.poll_revoke(&ana, &resource, &operation).await.unwrap(), Progress::Done);
    assert!(!bench.holds(ANA));
    assert_eq!(
        bench.calls(),
        [
            "AssumeRole",
            "AssumeRole",
            "ListInstances",
            "GetUserId",
            "ListAccountAssignments",
            "CreateAccountAssignment",
            "DescribeAccountAssignmentCreationStatus",
            "DeleteAccountAssignment",
            "DescribeAccountAssignmentDeletionStatus",
            "ListAccountAssignments",
        ]
    );
    bench.finish();
}

#[tokio::test]
async fn operations_that_take_their_time_are_asked_about() {
    let bench = bench().await;
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let (ana, resource) = (sso_user(ANA), admin());
    let operation = running(bench.grant(&ana, &resource, false).await);
    assert_eq!(running(bench.poll_grant(&ana, &resource, &operation).await), operation);
    bench.pass(10_000);
    assert_eq!(bench.poll_grant(&ana, &resource, &operation).await.unwrap(), Progress::Done);
    let operation = running(bench.revoke(&ana, &resource).await);
    assert_eq!(running(bench.poll_revoke(&ana, &resource, &operation).await), operation);
    assert!(bench.holds(ANA));
    bench.pass(10_000);
    assert_eq!(bench.poll_revoke(&ana, &resource, &operation).await.unwrap(), Progress::Done);
    bench.finish();
}

#[tokio::test]
async fn a_repeated_grant_resumes_what_is_running() {
    let bench = bench().await;
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let (ana, bo, resource) = (sso_user(ANA), sso_user(BO), admin());
    running(bench.grant(&bo, &resource, false).await);
    let operation = running(bench.grant(&ana, &resource, false).await);
    bench.calls();
    assert_eq!(running(bench.grant(&ana, &resource, true).await), operation);
    assert!(!bench.calls().contains(&"CreateAccountAssignment".to_owned()));
    // Also when the caller does not know that it is a repetition.
    assert_eq!(running(bench.grant(&ana, &resource, false).await), operation);
    bench.pass(10_000);
    assert_eq!(bench.grant(&ana, &resource, true).await.unwrap(), Progress::Done);
    bench.finish();
}

#[tokio::test]
async fn a_grant_resumes_without_the_right_to_list_operations() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.denies("ListAccountAssignmentCreationStatus");
    let operation = running(bench.grant(&ana, &resource, true).await);
    assert_eq!(bench.poll_grant(&ana, &resource, &operation).await.unwrap(), Progress::Done);
}

#[tokio::test]
async fn what_is_there_already_is_granted() {
    let bench = bench().await;
    bench.sandbox.assign(INSTANCE, ADMIN, PROD, ANA);
    let (ana, resource) = (sso_user(ANA), admin());
    assert!(bench.look(&ana, &resource).await.unwrap());
    assert_eq!(bench.grant(&ana, &resource, true).await.unwrap(), Progress::Done);
    assert!(bench.sandbox.writes().iter().all(|call| call.operation == "AssumeRole"));
}

#[tokio::test]
async fn access_through_a_group_is_not_held_directly() {
    let bench = bench().await;
    bench.sandbox.assign_group(INSTANCE, ADMIN, PROD, OPS).join_group(STORE, OPS, ANA);
    assert!(!bench.look(&sso_user(ANA), &admin()).await.unwrap());
    assert!(bench.look(&sso_user(ANA), &ops()).await.unwrap());
}

#[tokio::test]
async fn every_page_is_read() {
    let bench = bench().await;
    bench.sandbox.page_size(Some(1));
    bench.sandbox.assign(INSTANCE, ADMIN, PROD, BO).assign(INSTANCE, ADMIN, PROD, ANA);
    assert!(bench.look(&sso_user(ANA), &admin()).await.unwrap());
    assert!(bench.look(&sso_user(BO), &admin()).await.unwrap());
    bench.take(&sso_user(ANA), &admin()).await;
    assert!(!bench.holds(ANA) && bench.holds(BO));
    bench.finish();
}

#[tokio::test]
async fn a_failed_grant_says_why_and_whether_to_try_again() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    let table = [
        ("Received a 404 status error: Not supported policy x", false),
        ("Received a 500 status error: Internal service exception.", true),
    ];
    for (reason, is_transient) in table {
        let fault = Fault::AsyncFail { reason: reason.to_owned() };
        bench.sandbox.fault(Match::next("CreateAccountAssignment"), fault);
        let operation = running(bench.grant(&ana, &resource, false).await);
        let error = bench.poll_grant(&ana, &resource, &operation).await.unwrap_err();
        assert_eq!((error.is_transient(), error.ends_operation()), (is_transient, true), "{error}");
        assert!(error.to_string().contains(reason.trim_end_matches('.')), "{error}");
    }
}

#[tokio::test]
async fn an_operation_aws_has_forgotten_is_over_but_not_failed() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    let forgotten = OperationId::new("99999999-2222-4333-8444-555555555555");
    let error = bench.poll_grant(&ana, &resource, &forgotten).await.unwrap_err();
    assert!(error.is_transient() && error.ends_operation(), "{error}");
    // A revocation is decided by the read.
    assert_eq!(bench.poll_revoke(&ana, &resource, &forgotten).await.unwrap(), Progress::Done);
    bench.give(&ana, &resource).await;
    let error = bench.poll_revoke(&ana, &resource, &forgotten).await.unwrap_err();
    assert!(error.is_transient() && error.ends_operation(), "{error}");
}

#[tokio::test]
async fn what_is_absent_already_is_revoked() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    bench.sandbox.absent_delete_succeeds(true);
    bench.take(&ana, &resource).await;
    bench.finish();
}

#[tokio::test]
async fn a_revocation_waits_for_the_grant_it_overtook() {
    let bench = bench().await;
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let (ana, resource) = (sso_user(ANA), admin());
    running(bench.grant(&ana, &resource, false).await);
    let error = bench.revoke(&ana, &resource).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    // Also where AWS says, instead of "conflict", that there is nothing to delete.
    let missing = Fault::Error {
        code: "ResourceNotFoundException".to_owned(),
        message: "Assignment not found".to_owned(),
        status: 400,
    };
    bench.sandbox.fault(Match::next("DeleteAccountAssignment"), missing);
    let error = bench.revoke(&ana, &resource).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("still running"), "{error}");
    bench.pass(10_000);
    let operation = running(bench.revoke(&ana, &resource).await);
    bench.pass(10_000);
    assert_eq!(bench.poll_revoke(&ana, &resource, &operation).await.unwrap(), Progress::Done);
    assert!(!bench.holds(ANA));
    bench.finish();
}

#[tokio::test]
async fn a_repeated_revocation_resumes_what_is_running() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.give(&ana, &resource).await;
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let operation = running(bench.revoke(&ana, &resource).await);
    assert_eq!(running(bench.revoke(&ana, &resource).await), operation);
    bench.pass(10_000);
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    bench.finish();
}

#[tokio::test]
async fn a_read_that_lags_behind_is_not_believed_either_way() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    // The grant is a moment old, and a read would not show it: it is deleted all the same.
    bench.sandbox.fault(Match::next("ListAccountAssignments"), Fault::Stale);
    bench.give(&ana, &resource).await;
    let operation = running(bench.revoke(&ana, &resource).await);
    bench.sandbox.clear_faults();
    bench.poll_revoke(&ana, &resource, &operation).await.unwrap();
    assert!(!bench.holds(ANA));
    // The deletion is done, and a read still shows it.
    bench.give(&ana, &resource).await;
    bench.sandbox.fault(Match::next("ListAccountAssignments"), Fault::Stale);
    let operation = running(bench.revoke(&ana, &resource).await);
    let error = bench.poll_revoke(&ana, &resource, &operation).await.unwrap_err();
    assert!(error.is_transient() && error.ends_operation(), "{error}");
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
}

#[tokio::test]
async fn a_deletion_that_fails_is_decided_by_the_read() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.give(&ana, &resource).await;
    let fault = Fault::AsyncFail { reason: "Received a 404 status error".to_owned() };
    bench.sandbox.fault(Match::next("DeleteAccountAssignment"), fault);
    let operation = running(bench.revoke(&ana, &resource).await);
    let error = bench.poll_revoke(&ana, &resource, &operation).await.unwrap_err();
    assert!(error.ends_operation() && error.to_string().contains("404"), "{error}");
    bench.take(&ana, &resource).await;
    assert!(!bench.holds(ANA));
}

#[tokio::test]
async fn people_who_left_lose_their_access_too() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.give(&ana, &resource).await;
    bench.sandbox.remove_sso_user(STORE, ANA);
    bench.take(&ana, &resource).await;
    assert!(!bench.holds(ANA));
}

#[tokio::test]
async fn a_permission_set_that_is_gone_took_its_assignments_along() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.give(&ana, &resource).await;
    bench.sandbox.unassign(INSTANCE, ADMIN, PROD, ANA).remove_permission_set(INSTANCE, ADMIN);
    assert_eq!(bench.revoke(&ana, &resource).await.unwrap(), Progress::Done);
    let error = bench.grant(&ana, &resource, false).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    // An instance that is not there proves nothing.
    bench.sandbox.remove_instance(INSTANCE);
    assert!(bench.revoke(&ana, &resource).await.is_err());
}

#[tokio::test]
async fn conflicts_and_throttling_pass() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    for fault in [Fault::Conflict, Fault::Throttle, Fault::ServerError(503), Fault::DropBefore] {
        bench.sandbox.fault(Match::next("CreateAccountAssignment"), fault.clone());
        let error = bench.grant(&ana, &resource, false).await.unwrap_err();
        assert!(error.is_transient() && !error.ends_operation(), "{fault:?}: {error}");
    }
    bench.give(&ana, &resource).await;
    // A conflict with nothing that is running is tried again at once.
    let (once, twice) = (Match::next("DeleteAccountAssignment"), Match::times("DeleteAccountAssignment", 2));
    for (times, fault) in [
        (twice, Fault::Conflict),
        (once.clone(), Fault::Throttle),
        (once.clone(), Fault::ServerError(500)),
        (once, Fault::DropBefore),
    ] {
        bench.sandbox.fault(times, fault.clone());
        let error = bench.revoke(&ana, &resource).await.unwrap_err();
        assert!(error.is_transient(), "{fault:?}: {error}");
    }
    assert!(bench.holds(ANA));
}

#[tokio::test]
async fn the_sdk_tries_again_where_it_is_told_to() {
    let bench = bench().await;
    let aws = Aws::new(Settings { attempts: 2, ..settings(&bench.sandbox, &bench.clock) }).await;
    bench.sandbox.fault(Match::next("ListAccountAssignments"), Fault::Throttle);
    assert!(!aws.look(&bench.session(&admin()), &sso_user(ANA), &admin()).await.unwrap());
}

#[tokio::test]
async fn grants_take_eight_places_and_the_others_wait_and_are_sent_back() {
    let bench = bench().await;
    let aws = Aws::new(Settings { keeps_quotas: true, ..settings(&bench.sandbox, &bench.clock) }).await;
    bench.sandbox.quotas(true);
    bench.sandbox.strict_account_lanes(true);
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let mut all = Vec::new();
    for n in 0..12 {
        let account_id = format!("7{n:011}");
        bench.sandbox.add_account(&account_id, "one of many");
        let (aws, to_sso, name) = (aws.clone(), bench.to_sso.clone(), bench.name.clone());
        all.push(tokio::spawn(async move {
            let resource = Resource::SsoPermissionSet {
                instance_arn: INSTANCE.to_owned(),
                permission_set_arn: ADMIN.to_owned(),
                account_id,
            };
            let session = Session { connection: &to_sso, name: &name, source_identity: None };
            aws.grant(&session, &sso_user(ANA), &resource, false, &|| true).await
        }));
    }
    while bench.sandbox.in_flight() < 8 || aws.waiting() < 4 {
        tokio::task::yield_now().await;
    }
    let calls = bench.sandbox.call_count();
    bench.pass(5_000);
    let (mut started, mut sent_back) = (0, 0);
    for one in all {
        match one.await.unwrap() {
            Ok(Progress::Running(_)) => started += 1,
            Err(error) if error.is_crowded() && error.is_transient() => sent_back += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((started, sent_back, bench.sandbox.call_count()), (8, 4, calls));
    assert_eq!((bench.sandbox.most_in_flight(), bench.sandbox.most_in_one_account()), (8, 1));
    bench.finish();
}

#[tokio::test]
async fn calls_of_identity_center_are_repeated_within_the_quota_or_not_at_all() {
    let bench = bench().await;
    let kept = Settings { keeps_quotas: true, attempts: 2, ..settings(&bench.sandbox, &bench.clock) };
    let aws = Aws::new(kept).await;
    bench.sandbox.fault(Match::every("ListAccountAssignments"), Fault::ServerError(500));
    let looked = aws.look(&bench.session(&admin()), &sso_user(ANA), &admin()).await;
    assert!(looked.unwrap_err().is_transient());
    assert_eq!(bench.sandbox.calls_of("ListAccountAssignments").len(), 1, "whoever owes it comes again");
    // Somebody who waits for an answer does not.
    bench.sandbox.fault(Match::next("GetUserId"), Fault::ServerError(500));
    let found = aws.find_principal(&bench.session(&admin()), &admin(), &bench.ana, None).await;
    assert_eq!(found.unwrap(), sso_user(ANA));
}

#[tokio::test]
async fn ten_operations_are_asked_about_in_one_call() {
    let bench = bench().await;
    let aws = Aws::new(Settings { keeps_quotas: true, ..settings(&bench.sandbox, &bench.clock) }).await;
    bench.sandbox.set_operation_time(OperationTime::Millis(10_000));
    let mut started = Vec::new();
    for n in 0..8 {
        let account_id = format!("7{n:011}");
        bench.sandbox.add_account(&account_id, "one of many");
        let resource = Resource::SsoPermissionSet {
            instance_arn: INSTANCE.to_owned(),
            permission_set_arn: ADMIN.to_owned(),
            account_id,
        };
        let operation =
            running(aws.grant(&bench.session(&resource), &sso_user(ANA), &resource, false, &|| true).await);
        started.push((resource, operation));
    }
    bench.pass(2_000);
    bench.calls();
    for (resource, operation) in &started {
        let session = bench.session(resource);
        let progress = aws.poll_grant(&session, &sso_user(ANA), resource, operation).await.unwrap();
        assert_eq!(progress, Progress::Running(operation.clone()));
    }
    assert_eq!(bench.calls(), ["ListAccountAssignmentCreationStatus"]);
    // What is no longer among those that are running is asked about by itself.
    bench.pass(8_000);
    for (resource, operation) in &started {
        let session = bench.session(resource);
        let progress = aws.poll_grant(&session, &sso_user(ANA), resource, operation).await.unwrap();
        assert_eq!(progress, Progress::Done);
    }
    let calls = bench.calls();
    let single = calls.iter().filter(|call| *call == "DescribeAccountAssignmentCreationStatus").count();
    assert_eq!((single, calls.len()), (8, 9));
    bench.finish();
}

#[tokio::test]
async fn mismatched_pairs_are_refused() {
    let bench = bench().await;
    assert!(!bench.look(&iam_user("ana"), &admin()).await.unwrap_err().is_transient());
    assert!(!bench.look(&sso_user(ANA), &deployers()).await.unwrap_err().is_transient());
    assert_eq!(bench.sandbox.call_count(), 0);
}

#[tokio::test]
async fn inventory() {
    let bench = bench().await;
    bench
        .sandbox
        .add_organization("o-abcdefghij", MANAGEMENT, "r-abcd")
        .place_account(PROD, "r-abcd")
        .suspend_account(PROD, true)
        .empty_first_pages(true);
    bench.sandbox.page_size(Some(1));
    let session = bench.session(&admin());
    let mut accounts = bench.aws.accounts(&session).await.unwrap();
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    let found: Vec<_> = accounts.iter().map(|a| (a.id.as_str(), a.name.as_str(), a.is_active)).collect();
    assert_eq!(found, [(MANAGEMENT, "management", true), (PROD, "prod", false)]);
    let length = bench.aws.session_length(&session, INSTANCE, ADMIN).await.unwrap();
    assert_eq!(length, Some(Span::hours(8)));
    bench.denies("DescribePermissionSet");
    assert_eq!(bench.aws.session_length(&session, INSTANCE, ADMIN).await.unwrap(), None);
}

#[tokio::test]
async fn a_list_that_does_not_say_whose_an_entry_is_proves_nothing() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    bench.give(&ana, &resource).await;
    bench.sandbox.fault(Match::every("ListAccountAssignments"), Fault::Thin);
    let error = bench.look(&ana, &resource).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("does not say whose"), "{error}");
    bench.sandbox.clear_faults();
    assert!(bench.look(&ana, &resource).await.unwrap());
}
