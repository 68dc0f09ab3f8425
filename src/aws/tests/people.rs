use super::*;

#[tokio::test]
async fn by_user_name_then_by_address() {
    let bench = bench().await;
    assert_eq!(bench.find(&admin(), "ANA@example.com", None).await.unwrap(), sso_user(ANA));
    bench.calls();
    assert_eq!(bench.find(&ops(), "bo@example.com", None).await.unwrap(), sso_user(BO));
    assert_eq!(bench.calls(), ["GetUserId", "GetUserId"]);
    bench.finish();
}

#[tokio::test]
async fn capitals_do_not_matter_and_the_list_is_read_once() {
    let bench = bench().await;
    let (cy, di) = ("31111111-2222-4333-8444-555555555555", "41111111-2222-4333-8444-555555555555");
    bench
        .sandbox
        .add_sso_user(STORE, cy, "Cy@Example.com", "cy.first@example.com")
        .add_sso_user(STORE, di, "di", "Di@Example.COM")
        .page_size(Some(1));
    assert_eq!(bench.find(&admin(), "cy@example.com", None).await.unwrap(), sso_user(cy));
    bench.calls();
    assert_eq!(bench.find(&admin(), "di@example.com", None).await.unwrap(), sso_user(di));
    let listed = bench.calls().iter().filter(|call| *call == "ListUsers").count();
    assert_eq!(listed, 1, "only the filtered look-up");
}

#[tokio::test]
async fn with_sso_connector_1_only_list_users_is_allowed() {
    let bench = bench().await;
    bench.sandbox.add_role(
        SSO,
        role(
            RUNTIME,
            None,
            &[
                "sso:CreateAccountAssignment",
                "sso:DeleteAccountAssignment",
                "sso:Describe*",
                "sso:List*",
                "identitystore:ListUsers",
            ],
        ),
    );
    assert_eq!(bench.find(&admin(), "ana@example.com", None).await.unwrap(), sso_user(ANA));
    assert_eq!(bench.find(&admin(), "bo@example.com", None).await.unwrap(), sso_user(BO));
    assert_eq!(bench.find(&admin(), "x@example.com", Some("bo")).await.unwrap(), sso_user(BO));
    assert_eq!(bench.find(&admin(), "x@example.com", Some(BO)).await.unwrap(), sso_user(BO));
    bench.give(&sso_user(ANA), &admin()).await;
    bench.take(&sso_user(ANA), &admin()).await;
}

#[tokio::test]
async fn the_manifest_has_the_last_word() {
    let bench = bench().await;
    assert_eq!(bench.find(&admin(), "ana@example.com", Some("bo")).await.unwrap(), sso_user(BO));
    assert_eq!(bench.find(&admin(), "ana@example.com", Some("BO")).await.unwrap(), sso_user(BO));
    assert_eq!(bench.find(&admin(), "ana@example.com", Some(BO)).await.unwrap(), sso_user(BO));
    // An override names a user, never an address of somebody else.
    let error = bench.find(&admin(), "ana@example.com", Some("bo@example.com")).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("`identity` block"), "{error}");
    bench.sandbox.add_iam_user(PROD, "ana.lima");
    for name in ["ana.lima", "arn:aws:iam::444455556666:user/people/ana.lima"] {
        let found = bench.find(&deployers(), "ana@example.com", Some(name)).await.unwrap();
        assert_eq!(found, iam_user("ana.lima"));
    }
    let elsewhere = "arn:aws:iam::111122223333:user/ana.lima";
    assert!(bench.find(&deployers(), "ana@example.com", Some(elsewhere)).await.is_err());
}

#[tokio::test]
async fn nobody_is_told_what_to_do_without_naming_the_address() {
    let bench = bench().await;
    for resource in [admin(), deployers()] {
        let error = bench.find(&resource, "nobody@example.com", None).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
        let text = error.to_string();
        assert!(text.contains("`identity` block") && !text.contains("nobody@"), "{text}");
    }
    let error = bench.find(&deployers(), "ana@example.com", Some("gone")).await.unwrap_err();
    assert!(error.to_string().contains("no IAM user named `gone`"), "{error}");
}

#[tokio::test]
async fn somebody_added_since_is_found_after_a_minute() {
    let bench = bench().await;
    bench.find(&admin(), "cy@example.com", None).await.unwrap_err();
    let cy = "31111111-2222-4333-8444-555555555555";
    bench.sandbox.add_sso_user(STORE, cy, "CY", "Cy@Example.com");
    bench.find(&admin(), "cy@example.com", None).await.unwrap_err();
    bench.pass(60_000);
    assert_eq!(bench.find(&admin(), "cy@example.com", None).await.unwrap(), sso_user(cy));
}

#[tokio::test]
async fn never_a_guess_between_two() {
    let bench = bench().await;
    let (one, two) = ("31111111-2222-4333-8444-555555555555", "41111111-2222-4333-8444-555555555555");
    bench.sandbox.add_sso_user(STORE, one, "cy1", "Cy@example.com").add_sso_user(
        STORE,
        two,
        "cy2",
        "CY@example.com",
    );
    let error = bench.find(&admin(), "cy@example.com", None).await.unwrap_err();
    let text = error.to_string();
    assert!(!error.is_transient() && text.contains(one) && text.contains(two), "{text}");
    assert_eq!(bench.find(&admin(), "cy@example.com", Some("cy2")).await.unwrap(), sso_user(two));
}

#[tokio::test]
async fn an_instance_of_another_region_is_explained() {
    let mut bench = bench().await;
    bench.to_sso.region = Some("us-east-1".to_owned());
    let error = bench.find(&admin(), "ana@example.com", None).await.unwrap_err();
    let text = error.to_string();
    assert!(!error.is_transient() && text.contains("in region us-east-1"), "{text}");
}
