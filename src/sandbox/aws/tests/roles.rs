use super::*;

const CONNECTOR: &str = "arn:aws:iam::111122223333:role/sym/Connector";
const TARGET: &str = "arn:aws:iam::444455556666:role/Target";

fn roles(bench: &Bench) {
    let connector = Role {
        trusted: vec![MANAGEMENT.into()],
        external_id: Some("sym-1234".into()),
        max_session_seconds: 7200,
        may_set_source_identity: true,
        allows: vec!["sts:*".into(), "iam:Get*".into()],
    };
    let target = Role {
        trusted: vec![CONNECTOR.into()],
        max_session_seconds: 7200,
        may_set_source_identity: true,
        allows: vec!["iam:GetUser".into()],
        ..Role::default()
    };
    bench.aws.add_role(CONNECTOR, connector).add_role(TARGET, target);
}

async fn assume(
    config: &SdkConfig,
    role: &str,
    external: Option<&str>,
    source: Option<&str>,
    seconds: i32,
) -> Result<aws_sdk_sts::types::Credentials, String> {
    let call = aws_sdk_sts::Client::new(config).assume_role().role_arn(role);
    let call = call.role_session_name("request-7").set_external_id(external.map(str::to_owned));
    let call = call.set_source_identity(source.map(str::to_owned)).duration_seconds(seconds);
    let sent = call.send().await.map_err(|error| code(&error))?;
    Ok(sent.credentials.unwrap())
}

fn as_session(bench: &Bench, keys: &aws_sdk_sts::types::Credentials) -> SdkConfig {
    config(&bench.aws.endpoint(), keys.access_key_id(), Some(keys.session_token()))
}

#[tokio::test]
async fn a_chain_of_roles_carries_the_source_identity() {
    let bench = bench().await;
    roles(&bench);
    let (id, who) = (Some("sym-1234"), Some("ana@example.com"));
    let denied = |result: Result<_, String>| assert_eq!(result.unwrap_err(), "AccessDenied");
    denied(assume(&bench.config, CONNECTOR, None, who, 900).await);
    denied(assume(&bench.config, CONNECTOR, Some("sym-12345"), who, 900).await);
    denied(assume(&bench.config, TARGET, None, who, 900).await);
    denied(assume(&bench.config, "arn:aws:iam::444455556666:role/None", None, None, 900).await);
    let invalid = assume(&bench.config, CONNECTOR, id, Some("o'neil"), 900).await;
    assert_eq!(invalid.unwrap_err(), "ValidationError");
    let too_long = assume(&bench.config, CONNECTOR, id, who, 7201).await;
    assert_eq!(too_long.unwrap_err(), "ValidationError");

    let first = assume(&bench.config, CONNECTOR, id, who, 7200).await.unwrap();
    assert_eq!(first.expiration().to_millis().unwrap(), 1_700_000_000_000 + 7_200_000);
    let first = as_session(&bench, &first);
    denied(assume(&first, TARGET, None, Some("bo@example.com"), 900).await);
    let chained = assume(&first, TARGET, None, None, 3601).await;
    assert_eq!(chained.unwrap_err(), "ValidationError", "chained sessions last an hour at most");
    let second = assume(&first, TARGET, None, None, 3600).await.unwrap();
    let second = as_session(&bench, &second);

    let me = aws_sdk_sts::Client::new(&second).get_caller_identity().send().await.unwrap();
    assert_eq!(me.arn(), Some("arn:aws:sts::444455556666:assumed-role/Target/request-7"));
    let call = bench.aws.calls().pop().unwrap();
    assert_eq!(call.source_identity.as_deref(), Some("ana@example.com"));
    assert_eq!(call.session_name.as_deref(), Some("request-7"));
    assert_eq!(call.role.as_deref(), Some(TARGET));
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn sessions_expire_and_allow_no_more_than_the_role() {
    let bench = bench().await;
    roles(&bench);
    let keys = assume(&bench.config, CONNECTOR, Some("sym-1234"), None, 900).await.unwrap();
    let session = as_session(&bench, &keys);
    let sso = aws_sdk_ssoadmin::Client::new(&session);
    let refused = sso.list_instances().send().await.unwrap_err().into_service_error();
    assert!(refused.is_access_denied_exception());
    assert_eq!(
        refused.message(),
        Some(
            "User: arn:aws:sts::111122223333:assumed-role/Connector/request-7 is not authorized \
             to perform: sso:ListInstances on resource: *"
        )
    );
    let iam = aws_sdk_iam::Client::new(&session);
    let ask = || iam.get_user().user_name("ana").send();
    assert_eq!(code(&ask().await.unwrap_err()), "NoSuchEntity");
    bench.pass(900_000);
    assert_eq!(code(&ask().await.unwrap_err()), "ExpiredToken");
    let expired = sso.list_instances().send().await.unwrap_err();
    assert_eq!(code(&expired), "ExpiredTokenException");

    let tokenless = config(&bench.aws.endpoint(), keys.access_key_id(), None);
    let ask = aws_sdk_sts::Client::new(&tokenless).get_caller_identity().send().await;
    assert_eq!(code(&ask.unwrap_err()), "InvalidClientTokenId");
    let stranger = config(&bench.aws.endpoint(), "AKIANOBODY", None);
    let ask = aws_sdk_ssoadmin::Client::new(&stranger).list_instances().send().await;
    assert_eq!(code(&ask.unwrap_err()), "UnrecognizedClientException");
}

#[tokio::test]
async fn a_session_ends_with_its_role_or_on_demand() {
    let bench = bench().await;
    roles(&bench);
    let assume = || assume(&bench.config, CONNECTOR, Some("sym-1234"), None, 900);
    let who = async |keys| {
        let session = as_session(&bench, &keys);
        let asked = aws_sdk_sts::Client::new(&session).get_caller_identity().send().await;
        asked.map(|_| ()).map_err(|error| code(&error))
    };
    let keys = assume().await.unwrap();
    who(keys.clone()).await.unwrap();
    bench.aws.expire_sessions();
    assert_eq!(who(keys).await.unwrap_err(), "ExpiredToken");
    let keys = assume().await.unwrap();
    bench.aws.remove_role(CONNECTOR);
    assert_eq!(who(keys).await.unwrap_err(), "InvalidClientTokenId");
    assert_eq!(assume().await.unwrap_err(), "AccessDenied");
}
