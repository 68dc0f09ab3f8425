use super::*;

#[tokio::test]
async fn every_call_carries_the_request_and_the_requester() {
    let bench = bench().await;
    bench.give(&sso_user(ANA), &admin()).await;
    for call in bench.sandbox.calls() {
        if call.operation == "AssumeRole" {
            continue;
        }
        assert_eq!(call.role.as_deref(), Some(SSO), "{}", call.operation);
        assert_eq!(call.session_name.as_deref(), Some(REQUEST), "{}", call.operation);
        assert_eq!(call.source_identity.as_deref(), Some("ana@example.com"), "{}", call.operation);
    }
    let assumed = bench.sandbox.calls_of("AssumeRole");
    assert_eq!(assumed[0].input["RoleSessionName"], "sym");
    assert!(!assumed[0].input.contains_key("SourceIdentity"));
    assert_eq!(assumed[0].input["ExternalId"], "sym-1234");
    assert_eq!(assumed[1].session_name.as_deref(), Some("sym"));
}

#[tokio::test]
async fn the_shared_hop_is_made_once_and_every_hop_renewed_in_time() {
    let mut bench = bench().await;
    let assumed = |bench: &Bench| bench.calls().iter().filter(|call| *call == "AssumeRole").count();
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(assumed(&bench), 2);
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(assumed(&bench), 0);
    bench.name = RequestId::new("nopqrstuvwxyz");
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(assumed(&bench), 1);
    bench.pass(54 * 60_000);
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(assumed(&bench), 0);
    bench.pass(60_000);
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(assumed(&bench), 2);
    bench.finish();
}

#[tokio::test]
async fn a_session_that_is_over_is_replaced() {
    let bench = bench().await;
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    bench.sandbox.expire_sessions();
    bench.calls();
    assert!(!bench.look(&sso_user(ANA), &admin()).await.unwrap());
    assert_eq!(
        bench.calls(),
        ["ListAccountAssignments", "AssumeRole", "AssumeRole", "ListAccountAssignments"]
    );
    // Also when the shared hop is what is over.
    bench.sandbox.expire_sessions();
    let other = RequestId::new("nopqrstuvwxyz");
    let session = Session { name: &other, ..bench.session(&admin()) };
    assert!(!bench.aws.look(&session, &sso_user(ANA), &admin()).await.unwrap());
}

#[tokio::test]
async fn ten_calls_at_once_share_one_session() {
    let bench = bench().await;
    let (ana, resource) = (sso_user(ANA), admin());
    let looks = (0..10).map(|_| bench.look(&ana, &resource));
    for look in futures_util::future::join_all(looks).await {
        assert!(!look.unwrap());
    }
    assert_eq!(bench.sandbox.calls_of("AssumeRole").len(), 2);
}

#[tokio::test]
async fn every_hop_is_optional() {
    let mut bench = bench().await;
    // The bot is the runtime role already.
    bench.to_sso.hops.remove(0);
    bench.sandbox.add_role(SSO, role("arn:aws:iam::111122223333:user/bot", None, SSO_ALLOWS));
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(bench.sandbox.calls_of("AssumeRole")[0].input["RoleSessionName"], REQUEST);
    // The bot holds the permissions itself.
    bench.to_sso.hops.clear();
    bench.sandbox.add_access_key(KEY, MANAGEMENT, "arn:aws:iam::111122223333:user/bot", SSO_ALLOWS);
    bench.calls();
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(bench.calls(), ["ListAccountAssignments"]);
    bench.finish();
}

#[tokio::test]
async fn a_refused_hop_says_which_and_why() {
    let mut bench = bench().await;
    bench.to_sso.hops[0].external_id = Some("wrong".to_owned());
    let error = bench.look(&sso_user(ANA), &admin()).await.unwrap_err();
    let text = error.to_string();
    assert!(!error.is_transient() && text.contains("hop 1 of 2") && text.contains("`external_id`"), "{text}");
    assert!(!text.contains("SourceIdentity"), "{text}");
    bench.to_sso.hops[0].external_id = Some("sym-1234".to_owned());
    bench.to_sso.hops[1].role_arn = "arn:aws:iam::444455556666:role/SomebodyElses".to_owned();
    let error = bench.look(&sso_user(ANA), &admin()).await.unwrap_err();
    let text = error.to_string();
    assert!(!error.is_transient() && text.contains("hop 2 of 2"), "{text}");
    assert!(text.contains("account_id_safelist") && text.contains("sts:SetSourceIdentity"), "{text}");
}

#[tokio::test]
async fn a_refused_call_says_who_and_what() {
    let bench = bench().await;
    bench.sandbox.add_role(SSO, role(RUNTIME, None, &["sso:List*"]));
    let error = bench.grant(&sso_user(ANA), &admin(), false).await.unwrap_err();
    let text = error.to_string();
    assert!(!error.is_transient() && error.code() == Some("AccessDeniedException"), "{text}");
    assert!(text.contains(SSO) && text.contains("sso:CreateAccountAssignment"), "{text}");
    assert!(text.contains("delegated administrator"), "{text}");
}

#[tokio::test]
async fn sessions_are_bounded() {
    let mut bench = bench().await;
    bench.sandbox.keep_calls(false);
    for n in 0..600 {
        bench.name = RequestId::new(format!("request{n:06}"));
        bench.look(&sso_user(ANA), &admin()).await.unwrap();
    }
    assert_eq!(bench.sandbox.call_count(), 1201);
    assert!(bench.aws.inner.chain.len() <= 512);
    // The shared hop is in use, and stays.
    let before = bench.sandbox.call_count();
    bench.name = RequestId::new("request999999");
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    assert_eq!(bench.sandbox.call_count() - before, 2);
}

#[tokio::test]
async fn no_answer_is_no_verdict() {
    let bench = bench().await;
    bench.look(&sso_user(ANA), &admin()).await.unwrap();
    bench.sandbox.cut_now();
    let error = bench.look(&sso_user(ANA), &admin()).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("no answer"), "{error}");
}

#[tokio::test]
async fn every_call_can_be_made_from_a_spawned_task() {
    let bench = Arc::new(bench().await);
    let shared = Arc::clone(&bench);
    let task = tokio::spawn(async move {
        let (ana, resource) = (shared.find(&admin(), "ana@example.com", None).await.unwrap(), admin());
        shared.give(&ana, &resource).await;
        shared.take(&ana, &resource).await;
        let session = shared.session(&resource);
        shared.aws.session_length(&session, INSTANCE, ADMIN).await.unwrap();
        shared.aws.accounts(&session).await.unwrap_err();
    });
    task.await.unwrap();
    bench.finish();
}
