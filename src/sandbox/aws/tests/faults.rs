use super::*;

#[tokio::test]
async fn scripted_errors_hit_the_call_they_are_meant_for() {
    let bench = bench().await;
    bench.aws.fault(Match::nth("ListInstances", 2), Fault::Throttle);
    bench.aws.fault(Match::times("ListInstances", 2), Fault::ServerError(503));
    let ask = || async {
        let sent = bench.sso().list_instances().send().await;
        sent.map(|_| ()).map_err(|error| code(&error))
    };
    assert_eq!(ask().await.unwrap_err(), "InternalServerException");
    assert_eq!(ask().await.unwrap_err(), "ThrottlingException");
    assert_eq!(ask().await.unwrap_err(), "InternalServerException");
    ask().await.unwrap();
    let error = Fault::Error { code: "KmsThing".into(), message: "no".into(), status: 400 };
    bench.aws.fault(Match::every("*"), error);
    assert_eq!(ask().await.unwrap_err(), "KmsThing");
    assert_eq!(ask().await.unwrap_err(), "KmsThing");
    bench.aws.clear_faults();
    bench.aws.fault(Match::next("ListInstances"), Fault::Conflict);
    assert_eq!(ask().await.unwrap_err(), "ConflictException");
    bench.aws.fault(Match::next("ListInstances"), Fault::Delay(1));
    ask().await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_is_not_a_lost_write() {
    let bench = bench().await;
    bench.aws.set_operation_time(OperationTime::Polls(0));
    bench.aws.fault(Match::next("CreateAccountAssignment"), Fault::LoseReply);
    assert_eq!(bench.create(ANA).await.unwrap_err(), "transport");
    assert!(bench.holds(ANA));
    bench.aws.fault(Match::next("DeleteAccountAssignment"), Fault::DropBefore);
    assert_eq!(bench.delete(ANA).await.unwrap_err(), "transport");
    assert!(bench.holds(ANA));
    let outcomes: Vec<_> = bench.aws.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, [Outcome::Lost(None), Outcome::Dropped]);
}

#[tokio::test]
async fn a_call_hangs_until_the_client_gives_up() {
    let bench = bench().await;
    bench.aws.fault(Match::next("ListInstances"), Fault::Hang);
    let soon = TimeoutConfig::builder().operation_timeout(Duration::from_millis(50)).build();
    let config = bench.config.to_builder().timeout_config(soon).build();
    let asked = aws_sdk_ssoadmin::Client::new(&config).list_instances().send().await;
    assert!(matches!(asked.unwrap_err(), SdkError::TimeoutError(_)));
    assert_eq!(bench.aws.calls()[0].outcome, Outcome::Hung);
}

#[tokio::test]
async fn the_world_is_cut_off() {
    for (side, held) in [(CutSide::Before, false), (CutSide::After, true)] {
        let bench = bench().await;
        bench.aws.set_operation_time(OperationTime::Polls(0));
        bench.aws.cut_at(2, side);
        bench.sso().list_instances().send().await.unwrap();
        assert!(!bench.aws.cut_happened());
        assert_eq!(bench.create(ANA).await.unwrap_err(), "transport");
        assert!(bench.aws.cut_happened());
        assert_eq!(bench.holds(ANA), held);
        assert_eq!(bench.create(BO).await.unwrap_err(), "transport");
        assert!(!bench.holds(BO));
        bench.aws.restore();
        bench.create(BO).await.unwrap();
        assert!(bench.holds(BO));
    }
}

#[tokio::test]
async fn reads_can_be_behind() {
    let bench = bench().await;
    bench.aws.set_operation_time(OperationTime::Polls(0));
    bench.aws.fault(Match::next("ListAccountAssignments"), Fault::Stale);
    let listed = async || {
        let call = bench.sso().list_account_assignments().instance_arn(INSTANCE);
        let sent = call.account_id(PROD).permission_set_arn(ADMIN).send().await.unwrap();
        sent.account_assignments().len()
    };
    bench.create(ANA).await.unwrap();
    assert!(bench.holds(ANA));
    assert_eq!(listed().await, 0);
    assert_eq!(listed().await, 1);

    bench.aws.fault(Match::times("ListAccountAssignments", 2), Fault::Stale);
    bench.aws.set_operation_time(OperationTime::Polls(1));
    let delete = bench.delete(ANA).await.unwrap();
    bench.deleted(&delete).await;
    assert_eq!(listed().await, 1);
    bench.create(BO).await.unwrap();
    assert_eq!(listed().await, 1, "the last change is still the removal");
    assert!(!bench.holds(BO), "a stale read finishes nothing");
    bench.aws.finish_operations();
    assert!(bench.holds(BO));
}

#[tokio::test]
async fn counters_and_log() {
    let bench = bench().await;
    for _ in 0..3 {
        bench.sso().list_instances().send().await.unwrap();
        bench.pass(400);
    }
    assert_eq!((bench.aws.busiest_second(), bench.aws.busiest_sso_second()), (3, 3));
    bench.pass(10_000);
    bench.sso().list_instances().send().await.unwrap();
    assert_eq!(bench.aws.call_count(), 4);
    let call = &bench.aws.calls_of("ListInstances")[0];
    assert_eq!((call.at, call.write, call.service), (1_700_000_000_000, false, Service::SsoAdmin));
    assert_eq!(call.caller, "arn:aws:iam::111122223333:user/sym");
    bench.aws.clear_calls();
    bench.aws.keep_calls(false);
    bench.sso().list_instances().send().await.unwrap();
    assert!(bench.aws.calls().is_empty());
    assert_eq!(bench.aws.call_count(), 1);
}

#[tokio::test]
async fn a_fault_can_be_meant_for_one_person() {
    let bench = bench().await;
    let meant = Match::next("CreateAccountAssignment").with("PrincipalId", BO);
    bench.aws.fault(meant, Fault::Throttle);
    bench.create(ANA).await.unwrap();
    assert_eq!(bench.create(BO).await.unwrap_err(), "ThrottlingException");
    bench.create(BO).await.unwrap();
}

#[tokio::test]
async fn many_at_once() {
    let bench = Arc::new(bench().await);
    bench.aws.quotas(false);
    bench.aws.fault(Match::nth("CreateAccountAssignment", 50), Fault::DropBefore);
    bench.aws.fault(Match::nth("CreateAccountAssignment", 90), Fault::LoseReply);
    let users: Vec<_> = (0..100).map(|n| format!("{n:08}-2222-4333-8444-555555555555")).collect();
    for user in &users {
        bench.aws.add_sso_user(STORE, user, user, user);
    }
    let tasks = users.into_iter().map(|user| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let Ok(create) = bench.create(&user).await else {
                return 1;
            };
            while bench.created(&create).await.0 == StatusValues::InProgress {}
            0
        })
    });
    let mut lost = 0;
    for task in tasks.collect::<Vec<_>>() {
        lost += task.await.unwrap();
    }
    bench.aws.finish_operations();
    assert_eq!(lost, 2);
    // One never came, the other was only not confirmed.
    assert_eq!(bench.aws.holdings().len(), 99);
    assert!(bench.aws.most_in_flight() > 1);
}
