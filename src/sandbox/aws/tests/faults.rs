use super::*;

#[tokio::test]
async fn scripted_errors_hit_the_call_they_are_meant_for() {
    let bench = bench().await;
    bench
        .aws
        .fault(Match::nth("ListInstances", 2), Fault::Throttle);
    bench
        .aws
        .fault(Match::times("ListInstances", 2), Fault::ServerError(503));
    let ask = || async {
        let sent = bench.sso().list_instances().send().await;
        sent.map(|_| ()).map_err(|error| code(&error))
    };
    assert_eq!(ask().await.unwrap_err(), "InternalServerException");
    assert_eq!(ask().await.unwrap_err(), "ThrottlingException");
    assert_eq!(ask().await.unwrap_err(), "InternalServerException");
    ask().await.unwrap();
    let error = Fault::Error {
        code: "KmsThing".into(),
        message: "no".into(),
        status: 400,
    };
    bench.aws.fault(Match::every("*"), error);
    assert_eq!(ask().await.unwrap_err(), "KmsThing");
    assert_eq!(ask().await.unwrap_err(), "KmsThing");
    bench.aws.clear_faults();
    bench
        .aws
        .fault(Match::next("ListInstances"), Fault::Conflict);
    assert_eq!(ask().await.unwrap_err(), "ConflictException");
    bench
        .aws
        .fault(Match::next("ListInstances"), Fault::Delay(1));
    ask().await.unwrap();
}

#[tokio::test]
async fn a_lost_reply_is_not_a_lost_write() {
    let bench = bench().await;
    bench.aws.set_operation_time(OperationTime::Polls(0));
    bench
        .aws
        .fault(Match::next("CreateAccountAssignment"), Fault::LoseReply);
    assert_eq!(bench.create(ANA).await.unwrap_err(), "transport");
    assert!(bench.holds(ANA));
    bench
        .aws
        .fault(Match::next("DeleteAccountAssignment"), Fault::DropBefore);
    assert_eq!(bench.delete(ANA).await.unwrap_err(), "transport");
    assert!(bench.holds(ANA));
    let outcomes: Vec<_> = bench
        .aws
        .calls()
        .into_iter()
        .map(|call| call.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Lost(None), Outcome::Dropped]);
}

#[tokio::test]
async fn a_call_hangs_until_the_client_gives_up() {
    let bench = bench().await;
    bench.aws.fault(Match::next("ListInstances"), Fault::Hang);
    let soon = TimeoutConfig::builder()
        .operation_timeout(Duration::from_millis(50))
        .build();
    let config = bench.config.to_builder().timeout_config(soon).build();
    let asked = aws_sdk_ssoadmin::Client::new(&config)
        .list_instances()
        .send()
        .await;
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
