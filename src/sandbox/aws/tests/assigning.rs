use super::*;

#[tokio::test]
async fn an_assignment_comes_and_goes() {
    let bench = bench().await;
    let create = bench.create(ANA).await.unwrap();
    assert!(!bench.holds(ANA), "it takes effect when it completes");
    assert_eq!(bench.created(&create).await, (StatusValues::Succeeded, None));
    assert!(bench.holds(ANA));
    assert_eq!(bench.aws.holdings().len(), 1);

    let listed = bench.sso().list_account_assignments().instance_arn(INSTANCE).account_id(PROD);
    let listed = listed.permission_set_arn(ADMIN).send().await.unwrap();
    let only = &listed.account_assignments()[0];
    assert_eq!(only.principal_id(), Some(ANA));
    assert_eq!(only.principal_type(), Some(&PrincipalType::User));

    let delete = bench.delete(ANA).await.unwrap();
    assert_eq!(bench.deleted(&delete).await, (StatusValues::Succeeded, None));
    assert!(bench.aws.holdings().is_empty());
    let writes: Vec<_> = bench.aws.writes().into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["CreateAccountAssignment", "DeleteAccountAssignment"]);
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn polls_and_time_decide_when_it_is_done() {
    let bench = bench().await;
    bench.aws.set_operation_time(OperationTime::Polls(3));
    let id = bench.create(ANA).await.unwrap();
    assert_eq!(bench.created(&id).await.0, StatusValues::InProgress);
    assert_eq!(bench.created(&id).await.0, StatusValues::InProgress);
    assert_eq!(bench.created(&id).await.0, StatusValues::Succeeded);

    bench.aws.set_operation_time(OperationTime::Millis(5000));
    let id = bench.delete(ANA).await.unwrap();
    assert_eq!(bench.deleted(&id).await.0, StatusValues::InProgress);
    bench.pass(4999);
    assert!(bench.holds(ANA));
    bench.pass(1);
    assert!(!bench.holds(ANA));
    assert_eq!(bench.deleted(&id).await.0, StatusValues::Succeeded);
}

#[tokio::test]
async fn creating_twice_is_fine_and_deleting_nothing_is_not() {
    let bench = bench().await;
    bench.aws.assign(INSTANCE, ADMIN, PROD, ANA);
    let id = bench.create(ANA).await.unwrap();
    assert_eq!(bench.created(&id).await.0, StatusValues::Succeeded);
    assert_eq!(bench.aws.assignments().len(), 1);
    assert_eq!(bench.delete(BO).await.unwrap_err(), "ResourceNotFoundException");
    bench.aws.absent_delete_succeeds(true);
    let id = bench.delete(BO).await.unwrap();
    assert_eq!(bench.deleted(&id).await.0, StatusValues::Succeeded);
}

#[tokio::test]
async fn one_operation_on_an_assignment_at_a_time() {
    let bench = bench().await;
    bench.aws.assign(INSTANCE, ADMIN, PROD, ANA);
    bench.aws.set_operation_time(OperationTime::Polls(2));
    bench.create(ANA).await.unwrap();
    assert_eq!(bench.delete(ANA).await.unwrap_err(), "ConflictException");
    assert_eq!(bench.delete(ANA).await.unwrap_err(), "ConflictException");
    // The refusals counted as looks.
    bench.delete(ANA).await.unwrap();
    bench.create(BO).await.unwrap();
    bench.aws.strict_account_lanes(true);
    bench.aws.add_sso_user(STORE, OPS, "cy", "cy@example.com");
    assert_eq!(bench.create(OPS).await.unwrap_err(), "ConflictException");
}

#[tokio::test]
async fn at_most_ten_in_flight() {
    let bench = bench().await;
    bench.aws.set_operation_time(OperationTime::Millis(1000));
    let users: Vec<_> = (0..11).map(|n| format!("{n:08}-2222-4333-8444-555555555555")).collect();
    for (n, user) in users.iter().enumerate() {
        bench.aws.add_sso_user(STORE, user, &format!("u{n}"), &format!("u{n}@example.com"));
    }
    for user in &users[..10] {
        bench.create(user).await.unwrap();
    }
    assert_eq!(bench.create(&users[10]).await.unwrap_err(), "ThrottlingException");
    assert_eq!(bench.aws.most_in_flight(), 10);
    bench.aws.quotas(false);
    bench.create(&users[10]).await.unwrap();
}

#[tokio::test]
async fn twenty_calls_a_second() {
    let bench = bench().await;
    bench.aws.limit_rate(true);
    for _ in 0..20 {
        bench.sso().list_instances().send().await.unwrap();
    }
    let refused = bench.sso().list_instances().send().await.unwrap_err();
    assert_eq!(code(&refused), "ThrottlingException");
    assert_eq!(bench.aws.busiest_second(), 21);
    bench.pass(1000);
    bench.sso().list_instances().send().await.unwrap();
}

#[tokio::test]
async fn operations_fail_later() {
    let bench = bench().await;
    let reason = "internal service exception".to_owned();
    bench.aws.fault(Match::next("CreateAccountAssignment"), Fault::AsyncFail { reason: reason.clone() });
    let id = bench.create(ANA).await.unwrap();
    assert_eq!(bench.created(&id).await, (StatusValues::Failed, Some(reason)));
    assert!(!bench.holds(ANA));

    bench.aws.suspend_account(PROD, true);
    let id = bench.create(ANA).await.unwrap();
    let (status, reason) = bench.created(&id).await;
    assert_eq!(status, StatusValues::Failed);
    assert!(reason.unwrap().contains("longer than usual"));

    bench.aws.remove_account(PROD);
    let id = bench.create(ANA).await.unwrap();
    assert!(bench.created(&id).await.1.unwrap().contains("404"));
}

#[tokio::test]
async fn things_that_are_gone() {
    let bench = bench().await;
    bench.aws.assign(INSTANCE, ADMIN, PROD, ANA).remove_sso_user(STORE, ANA);
    assert_eq!(bench.create(ANA).await.unwrap_err(), "ResourceNotFoundException");
    bench.aws.orphan_deletes_fail(true);
    let id = bench.delete(ANA).await.unwrap();
    assert!(bench.deleted(&id).await.1.unwrap().contains("not found in directory"));
    assert!(bench.holds(ANA), "an orphan stays");
    bench.aws.remove_permission_set(INSTANCE, ADMIN);
    assert_eq!(bench.delete(ANA).await.unwrap_err(), "ResourceNotFoundException");
    assert!(bench.aws.holdings().is_empty());
}

#[tokio::test]
async fn status_lists_find_a_lost_operation() {
    let bench = bench().await;
    bench.aws.fault(Match::next("CreateAccountAssignment"), Fault::LoseReply);
    assert_eq!(bench.create(ANA).await.unwrap_err(), "transport");
    let list = bench.sso().list_account_assignment_creation_status().instance_arn(INSTANCE);
    let list = list.send().await.unwrap();
    let found = list.account_assignments_creation_status()[0].clone();
    assert_eq!(found.status(), Some(&StatusValues::InProgress));
    assert!(bench.holds(ANA), "the list counted as a look");
    assert_eq!(bench.created(found.request_id().unwrap()).await.0, StatusValues::Succeeded);
}

#[tokio::test]
async fn assignments_by_principal_include_groups() {
    let bench = bench().await;
    bench.aws.join_group(STORE, OPS, ANA).assign_group(INSTANCE, ADMIN, PROD, OPS);
    let ask = || bench.sso().list_account_assignments_for_principal().instance_arn(INSTANCE);
    let ask = ask().principal_id(ANA).principal_type(PrincipalType::User);
    let found = ask.send().await.unwrap();
    assert_eq!(found.account_assignments()[0].principal_id(), Some(OPS));
}

#[tokio::test]
async fn assignments_come_in_pages() {
    let bench = bench().await;
    for n in 0..7 {
        let user = format!("{n:08}-2222-4333-8444-555555555555");
        bench.aws.assign(INSTANCE, ADMIN, PROD, &user);
    }
    bench.aws.page_size(Some(3));
    let ask = bench.sso().list_account_assignments().instance_arn(INSTANCE).account_id(PROD);
    let pages = ask.permission_set_arn(ADMIN).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    let sizes: Vec<_> = pages.iter().map(|page| page.account_assignments().len()).collect();
    assert_eq!(sizes, [3, 3, 1]);
    let ask = bench.sso().list_account_assignments().instance_arn(INSTANCE).account_id(MANAGEMENT);
    let stolen = pages[0].next_token().unwrap();
    let ask = ask.permission_set_arn(ADMIN).next_token(stolen).send().await.unwrap_err();
    assert_eq!(code(&ask), "ValidationException");
}

#[tokio::test]
async fn a_permission_set_is_described_and_ids_are_checked() {
    let bench = bench().await;
    let ask = |set: &str| {
        let call = bench.sso().describe_permission_set().instance_arn(INSTANCE);
        call.permission_set_arn(set).send()
    };
    let set = ask(ADMIN).await.unwrap().permission_set.unwrap();
    assert_eq!((set.name(), set.session_duration()), (Some("Admin"), Some("PT1H")));
    assert_eq!(set.created_date().unwrap().to_millis().unwrap(), 1_700_000_000_000);
    assert_eq!(code(&ask("arn:aws:sso:::nonsense").await.unwrap_err()), "ValidationException");
    let other = ADMIN.replace("ps-1", "ps-9");
    assert_eq!(code(&ask(&other).await.unwrap_err()), "ResourceNotFoundException");
    let instances = bench.sso().list_instances().send().await.unwrap();
    assert_eq!(instances.instances()[0].identity_store_id(), Some(STORE));
}

#[tokio::test]
async fn another_account_or_region_does_not_see_the_instance() {
    let bench = bench().await;
    bench.aws.add_access_key("AKIAOTHER", PROD, "arn:aws:iam::444455556666:user/x", &["*"]);
    let other = config(&bench.aws.endpoint(), "AKIAOTHER", None);
    let sso = aws_sdk_ssoadmin::Client::new(&other);
    assert!(sso.list_instances().send().await.unwrap().instances().is_empty());
    let ask = || sso.list_permission_sets().instance_arn(INSTANCE).send();
    assert_eq!(code(&ask().await.unwrap_err()), "AccessDeniedException");

    bench.aws.add_delegated_admin(INSTANCE, PROD);
    assert_eq!(ask().await.unwrap().permission_sets(), [ADMIN]);
    bench.aws.assign(INSTANCE, ADMIN, MANAGEMENT, BO);
    let call = sso.create_account_assignment().instance_arn(INSTANCE).permission_set_arn(ADMIN);
    let call = call.target_id(PROD).target_type(TargetType::AwsAccount).principal_id(ANA);
    let refused = call.principal_type(PrincipalType::User).send().await.unwrap_err();
    assert_eq!(code(&refused), "AccessDeniedException", "the set is provisioned at the owner's");

    let elsewhere = bench.config.clone().into_builder().region(Region::new("us-east-1")).build();
    let sso = aws_sdk_ssoadmin::Client::new(&elsewhere);
    assert!(sso.list_instances().send().await.unwrap().instances().is_empty());
}

#[tokio::test]
async fn what_is_not_simulated_is_noticed() {
    let bench = bench().await;
    let call = bench.sso().delete_permission_set().instance_arn(INSTANCE);
    let refused = call.permission_set_arn(ADMIN).send().await.unwrap_err();
    assert_eq!(code(&refused), "UnknownOperationException");
    assert_eq!(bench.aws.unexpected().len(), 1);
}
