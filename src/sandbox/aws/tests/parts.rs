//! The small parts, without a client.
use hyper::HeaderMap;
use hyper::header::HeaderValue;

use serde_json::json;

use super::super::reply::{Failure, Reply, iso8601};
use super::super::wire::Request;
use super::super::{access, shape};
use super::*;

#[test]
fn patterns_of_actions() {
    for (pattern, action, fits) in [
        ("*", "sso:ListInstances", true),
        ("sso:*", "sso:ListInstances", true),
        ("sso:List*", "SSO:listInstances", true),
        ("sso:*Account*", "sso:CreateAccountAssignment", true),
        ("sso:*Status", "sso:DescribeAccountAssignmentCreationStatus", true),
        ("sso:*", "sts:AssumeRole", false),
        ("sso:List", "sso:ListInstances", false),
        ("sso:*Assignment", "sso:ListAccountAssignments", false),
    ] {
        assert_eq!(access::matches(pattern, action), fits, "{pattern} and {action}");
    }
}

#[test]
fn shapes_of_ids() {
    assert!(shape::is_instance_arn(INSTANCE) && !shape::is_instance_arn(ADMIN));
    assert!(shape::is_permission_set_arn(ADMIN) && !shape::is_permission_set_arn(INSTANCE));
    assert!(!shape::is_instance_arn("arn:aws:sso:eu-west-1::instance/ssoins-1111222233334444"));
    assert!(!shape::is_instance_arn("arn:aws:sso:::instance/ssoins-1"));
    assert!(shape::is_resource_id(ANA));
    assert!(shape::is_resource_id(&format!("926703446b-{ANA}")));
    assert!(!shape::is_resource_id("ana") && !shape::is_resource_id(&format!("92670-{ANA}")));
    assert!(shape::is_account_id(PROD) && !shape::is_account_id("12345678901"));
    assert!(shape::is_store_id(STORE) && !shape::is_store_id("d-12345"));
    assert!(shape::is_name("ana@example.com", 2, 64) && !shape::is_name("a", 2, 64));
    assert!(!shape::is_name("o'neil", 2, 64) && !shape::is_name(&"a".repeat(65), 2, 64));
}

#[test]
fn dates() {
    assert_eq!(iso8601(0), "1970-01-01T00:00:00Z");
    assert_eq!(iso8601(951_782_400_000), "2000-02-29T00:00:00Z");
    assert_eq!(iso8601(1_700_000_000_999), "2023-11-14T22:13:20Z");
    assert_eq!(iso8601(1_798_761_599_000), "2026-12-31T23:59:59Z");
}

#[test]
fn forms_are_decoded() {
    let body = b"Action=GetUser&Version=2010-05-08&UserName=a%2Bb+c%C3%A9%";
    let request = Request::parse(&HeaderMap::new(), body).unwrap();
    assert_eq!((request.service, request.operation.as_str()), (Service::Iam, "GetUser"));
    assert_eq!(request.text("UserName").unwrap(), "a+b c\u{e9}%");
    assert!(Request::parse(&HeaderMap::new(), b"").is_err());
}

/// What no SDK client would send, and still has to be refused and remembered.
fn raw(bench: &Bench, operation: &str, body: &str) -> String {
    let result = raw_call(bench, "sso", &format!("SWBExternalService.{operation}"), body);
    result.map_or_else(|failure| failure.code, |_| "fine".to_owned())
}

fn raw_call(bench: &Bench, service: &str, target: &str, body: &str) -> Result<Reply, Failure> {
    let mut headers = HeaderMap::new();
    let scope = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20261120/eu-central-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=00"
    );
    headers.insert("authorization", HeaderValue::from_str(&scope).unwrap());
    headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    headers.insert("x-amz-target", HeaderValue::from_str(target).unwrap());
    let request = Request::parse(&headers, body.as_bytes()).unwrap();
    dispatch::execute(&mut bench.aws.shared.world(), &request, None)
}

/// The SDK calls the filter deprecated, but some clients still use it.
#[tokio::test]
async fn users_are_filtered_by_name() {
    let bench = bench().await;
    let ask = |name: &str| {
        let filter = json!({"AttributePath": "UserName", "AttributeValue": name});
        let body = json!({"IdentityStoreId": STORE, "Filters": [filter]}).to_string();
        match raw_call(&bench, "identitystore", "AWSIdentityStore.ListUsers", &body) {
            Ok(Reply::Json(reply)) => reply["Users"].as_array().unwrap().len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((ask("bo"), ask("nobody")), (1, 0));
}

#[tokio::test]
async fn a_signature_for_another_service_is_noticed() {
    let bench = bench().await;
    let refused = raw_call(&bench, "sts", "SWBExternalService.ListInstances", "{}").unwrap_err();
    assert_eq!(refused.code, "InvalidSignatureException");
    assert_eq!(bench.aws.unexpected().len(), 1);
}

#[tokio::test]
async fn unknown_members_are_refused() {
    let bench = bench().await;
    assert_eq!(raw(&bench, "ListInstances", "{}"), "fine");
    assert!(bench.aws.unexpected().is_empty());
    assert_eq!(raw(&bench, "ListInstances", "{\"Max\": 1}"), "ValidationException");
    assert_eq!(bench.aws.unexpected(), ["sso:ListInstances: the member Max is not simulated"]);
    assert_eq!(raw(&bench, "ListPermissionSets", "{}"), "ValidationException");
    let zero = "{\"MaxResults\": 0}";
    assert_eq!(raw(&bench, "ListInstances", zero), "ValidationException");
}
