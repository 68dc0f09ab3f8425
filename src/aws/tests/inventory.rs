//! Where accounts belong.

use super::*;

const DEV: &str = "777788889999";
const ORGANIZATIONS: &[&str] = &[
    "organizations:ListAccounts",
    "organizations:ListRoots",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListAccountsForParent",
    "organizations:ListTagsForResource",
];

async fn organized(allows: &[&str]) -> Bench {
    let bench = bench().await;
    bench
        .sandbox
        .add_account(DEV, "dev")
        .add_organization("o-abcdef1234", MANAGEMENT, "r-abcd")
        .add_ou("ou-abcd-11111111", "r-abcd", "workloads")
        .add_ou("ou-abcd-22222222", "ou-abcd-11111111", "production")
        .add_ou("ou-abcd-33333333", "r-abcd", "empty")
        .place_account(PROD, "ou-abcd-22222222")
        .place_account(DEV, "ou-abcd-11111111")
        .tag(PROD, "env", "prod")
        .tag(PROD, "team", "core")
        .tag("ou-abcd-22222222", "env", "inherited tags do not count")
        .add_role(SSO, role(RUNTIME, None, allows));
    bench
}

async fn placed(bench: &Bench, with_tags: bool) -> Result<Vec<PlacedAccount>, AwsError> {
    let resource = admin();
    let session = bench.session(&resource);
    let accounts = bench.aws.accounts(&session).await.unwrap();
    let mut placed = bench.aws.placed_accounts(&session, &accounts, with_tags).await?;
    placed.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(placed)
}

fn account(id: &str, units: &[&str], tags: &[(&str, &str)]) -> PlacedAccount {
    PlacedAccount {
        id: id.to_owned(),
        units: units.iter().map(|&unit| unit.to_owned()).collect(),
        tags: tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
    }
}

#[tokio::test]
async fn each_account_has_every_unit_above_it() {
    let bench = organized(ORGANIZATIONS).await;
    assert_eq!(
        placed(&bench, false).await.unwrap(),
        [
            account(MANAGEMENT, &["r-abcd"], &[]),
            account(PROD, &["ou-abcd-22222222", "ou-abcd-11111111", "r-abcd"], &[]),
            account(DEV, &["ou-abcd-11111111", "r-abcd"], &[]),
        ]
    );
    assert!(!bench.calls().contains(&"ListTagsForResource".to_owned()), "nobody asked for tags");
    bench.finish();
}

#[tokio::test]
async fn small_and_empty_pages_change_nothing() {
    let bench = organized(ORGANIZATIONS).await;
    let all = placed(&bench, true).await.unwrap();
    assert_eq!(all[1].tags.get("env").map(String::as_str), Some("prod"));
    assert_eq!(all[1].tags.len(), 2);
    bench.sandbox.page_size(Some(1));
    bench.sandbox.empty_first_pages(true);
    assert_eq!(placed(&bench, true).await.unwrap(), all);
    bench.finish();
}

#[tokio::test]
async fn more_accounts_than_a_page_holds() {
    let bench = organized(ORGANIZATIONS).await;
    for number in 0..45_u64 {
        let id = (200_000_000_000 + number).to_string();
        bench.sandbox.add_account(&id, "more").place_account(&id, "ou-abcd-33333333");
    }
    let all = placed(&bench, false).await.unwrap();
    assert_eq!(all.iter().filter(|account| account.units[0] == "ou-abcd-33333333").count(), 45);
}

#[tokio::test]
async fn tags_are_read_of_active_accounts_only() {
    let bench = organized(ORGANIZATIONS).await;
    bench.sandbox.suspend_account(DEV, true);
    let all = placed(&bench, true).await.unwrap();
    // What is not known to be tagged or untagged is not in the answer.
    assert_eq!(all.iter().map(|account| account.id.as_str()).collect::<Vec<_>>(), [MANAGEMENT, PROD]);
    assert_eq!(bench.calls().iter().filter(|call| *call == "ListTagsForResource").count(), 2);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for (count, action) in [
        (1, "organizations:ListRoots"),
        (2, "organizations:ListAccountsForParent"),
        (4, "organizations:ListTagsForResource"),
    ] {
        let allows: Vec<&str> = match count {
            2 => vec![ORGANIZATIONS[0], ORGANIZATIONS[1], ORGANIZATIONS[2]],
            count => ORGANIZATIONS[..count].to_vec(),
        };
        let bench = organized(&allows).await;
        let error = placed(&bench, true).await.unwrap_err();
        assert!(!error.is_transient(), "{error}");
        assert!(error.to_string().contains(&format!("`{action}`")), "{error}");
        assert!(error.to_string().contains("Rules that name accounts by"), "{error}");
    }
}

#[tokio::test]
async fn half_an_organization_is_none() {
    let bench = organized(ORGANIZATIONS).await;
    bench.sandbox.fault(Match::nth("ListAccountsForParent", 2), Fault::Throttle);
    let error = placed(&bench, false).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}
