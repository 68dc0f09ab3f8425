use aws_sdk_identitystore::types::{AlternateIdentifier, MemberId, UniqueAttribute};
use aws_smithy_types::Document;

use super::*;

fn attribute(path: &str, value: &str) -> AlternateIdentifier {
    let value = Document::String(value.to_owned());
    let attribute = UniqueAttribute::builder().attribute_path(path).attribute_value(value);
    AlternateIdentifier::UniqueAttribute(attribute.build().unwrap())
}

#[tokio::test]
async fn users_and_groups_are_found_by_name() {
    let bench = bench().await;
    let store = aws_sdk_identitystore::Client::new(&bench.config);
    let find = |path: &str, value: &str| {
        let call = store.get_user_id().identity_store_id(STORE);
        call.alternate_identifier(attribute(path, value)).send()
    };
    assert_eq!(find("userName", "ana").await.unwrap().user_id(), ANA);
    assert_eq!(find("emails.value", "bo@example.com").await.unwrap().user_id(), BO);
    let refused = find("emails.value", "Bo@example.com").await.unwrap_err();
    assert!(refused.into_service_error().is_resource_not_found_exception());

    let call = store.get_group_id().identity_store_id(STORE);
    let group = call.alternate_identifier(attribute("displayName", "ops")).send().await.unwrap();
    assert_eq!(group.group_id(), OPS);
    let user = store.describe_user().identity_store_id(STORE).user_id(ANA).send().await.unwrap();
    assert_eq!(user.user_name(), Some("ana"));
    assert_eq!(user.emails()[0].value(), Some("ana@example.com"));
    let group = store.describe_group().identity_store_id(STORE).group_id(OPS).send().await.unwrap();
    assert_eq!(group.display_name(), Some("ops"));

    bench.aws.page_size(Some(1));
    let pages = store.list_users().identity_store_id(STORE).into_paginator().items().send();
    assert_eq!(pages.collect::<Result<Vec<_>, _>>().await.unwrap().len(), 2);
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn a_user_joins_and_leaves_a_group() {
    let bench = bench().await;
    let store = aws_sdk_identitystore::Client::new(&bench.config);
    let ana = || MemberId::UserId(ANA.into());
    let join = || {
        let call = store.create_group_membership().identity_store_id(STORE).group_id(OPS);
        call.member_id(ana()).send()
    };
    let find = || {
        let call = store.get_group_membership_id().identity_store_id(STORE).group_id(OPS);
        call.member_id(ana()).send()
    };
    assert_eq!(code(&find().await.unwrap_err()), "ResourceNotFoundException");
    let id = join().await.unwrap().membership_id().to_owned();
    assert!(bench.aws.is_member(STORE, OPS, ANA));
    assert_eq!(code(&join().await.unwrap_err()), "ConflictException");
    assert_eq!(find().await.unwrap().membership_id(), id);

    let call = store.is_member_in_groups().identity_store_id(STORE).member_id(ana());
    let asked = call.group_ids(OPS).send().await.unwrap();
    assert!(asked.results()[0].membership_exists());
    let call = store.list_group_memberships().identity_store_id(STORE).group_id(OPS);
    let listed = call.send().await.unwrap();
    assert_eq!(listed.group_memberships()[0].member_id(), Some(&ana()));
    let call = store.list_group_memberships_for_member().identity_store_id(STORE);
    let listed = call.member_id(ana()).send().await.unwrap();
    assert_eq!(listed.group_memberships()[0].group_id(), Some(OPS));

    let leave = || {
        let call = store.delete_group_membership().identity_store_id(STORE);
        call.membership_id(&id).send()
    };
    leave().await.unwrap();
    assert!(!bench.aws.is_member(STORE, OPS, ANA));
    assert_eq!(code(&leave().await.unwrap_err()), "ResourceNotFoundException");
    assert!(bench.aws.unexpected().is_empty());
}

fn iam_team(bench: &Bench) -> aws_sdk_iam::Client {
    bench.aws.add_iam_user(MANAGEMENT, "ana").add_iam_group(MANAGEMENT, "ops", "/teams/");
    aws_sdk_iam::Client::new(&bench.config)
}

#[tokio::test]
async fn an_iam_user_joins_and_leaves_a_group() {
    let bench = bench().await;
    let iam = iam_team(&bench);
    let add = |user: &str| iam.add_user_to_group().group_name("ops").user_name(user).send();
    let remove = |user: &str| iam.remove_user_from_group().group_name("ops").user_name(user).send();
    add("ana").await.unwrap();
    add("ana").await.unwrap();
    assert!(bench.aws.in_iam_group(MANAGEMENT, "ops", "ana"));
    let refused = add("nobody").await.unwrap_err().into_service_error();
    assert!(refused.is_no_such_entity_exception());
    assert_eq!(refused.message(), Some("The user with name nobody cannot be found."));
    remove("ana").await.unwrap();
    assert_eq!(code(&remove("ana").await.unwrap_err()), "NoSuchEntity");
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn iam_is_read_in_pages() {
    let bench = bench().await;
    let iam = iam_team(&bench);
    bench.aws.join_iam_group(MANAGEMENT, "ops", "ana");
    for user in ["u0", "u1", "u2", "u3", "u4"] {
        bench.aws.add_iam_user(MANAGEMENT, user).join_iam_group(MANAGEMENT, "ops", user);
    }
    bench.aws.page_size(Some(2));
    let pages = iam.get_group().group_name("ops").into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.users().len()).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(pages[0].group().unwrap().arn(), "arn:aws:iam::111122223333:group/teams/ops");
    let groups = iam.list_groups_for_user().user_name("ana").send().await.unwrap();
    assert_eq!(groups.groups()[0].group_name(), "ops");
    let user = iam.get_user().user_name("ana").send().await.unwrap().user.unwrap();
    assert_eq!(user.create_date().to_millis().unwrap(), 1_700_000_000_000);
    assert!(bench.aws.unexpected().is_empty());
}

fn tree(bench: &Bench) -> aws_sdk_organizations::Client {
    bench
        .aws
        .add_organization("o-1234567890", MANAGEMENT, "r-abcd")
        .add_ou("ou-abcd-11111111", "r-abcd", "Workloads")
        .add_ou("ou-abcd-22222222", "ou-abcd-11111111", "Prod")
        .place_account(PROD, "ou-abcd-22222222")
        .tag(PROD, "team", "Data Scientists");
    aws_sdk_organizations::Client::new(&bench.config)
}

#[tokio::test]
async fn accounts_come_in_pages_and_some_are_empty() {
    let bench = bench().await;
    let org = tree(&bench);
    for n in 0..30 {
        let id = format!("{n:012}");
        bench.aws.add_account(&id, "one of many").place_account(&id, "r-abcd");
    }
    let sizes = async || {
        let pages = org.list_accounts().into_paginator().send();
        let pages = pages.collect::<Result<Vec<_>, _>>().await.unwrap();
        pages.iter().map(|page| page.accounts().len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes().await, [20, 0, 12]);
    bench.aws.empty_first_pages(true);
    assert_eq!(sizes().await, [0, 20, 0, 12]);
    let refused = org.list_accounts().max_results(21).send().await.unwrap_err();
    assert_eq!(code(&refused), "InvalidInputException");
}

#[tokio::test]
async fn the_tree_of_accounts() {
    let bench = bench().await;
    let org = tree(&bench);
    let roots = org.list_roots().send().await.unwrap();
    assert_eq!(roots.roots()[0].id(), Some("r-abcd"));
    let units = org.list_organizational_units_for_parent().parent_id("ou-abcd-11111111");
    let units = units.send().await.unwrap();
    assert_eq!(units.organizational_units()[0].name(), Some("Prod"));
    let here = org.list_accounts_for_parent().parent_id("ou-abcd-22222222").send().await.unwrap();
    assert_eq!(here.accounts()[0].id(), Some(PROD));
    let tags = org.list_tags_for_resource().resource_id(PROD).send().await.unwrap();
    assert_eq!((tags.tags()[0].key(), tags.tags()[0].value()), ("team", "Data Scientists"));
    bench.aws.suspend_account(PROD, true);
    let account = org.describe_account().account_id(PROD).send().await.unwrap().account.unwrap();
    assert_eq!(account.state().unwrap().as_str(), "SUSPENDED");
    let whole = org.describe_organization().send().await.unwrap().organization.unwrap();
    assert_eq!(whole.master_account_id(), Some(MANAGEMENT));
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn only_the_management_account_reads_the_tree() {
    let bench = bench().await;
    let org = aws_sdk_organizations::Client::new(&bench.config);
    let lost = org.list_accounts().send().await.unwrap_err();
    assert_eq!(code(&lost), "AWSOrganizationsNotInUseException");
    tree(&bench);
    let identity = "arn:aws:iam::444455556666:user/x";
    bench.aws.add_access_key("AKIAMEMBER", PROD, identity, &["*"]);
    let member = config(&bench.aws.endpoint(), "AKIAMEMBER", None);
    let member = aws_sdk_organizations::Client::new(&member);
    let refused = member.list_accounts().send().await.unwrap_err();
    assert!(refused.into_service_error().is_access_denied_exception());
}

#[tokio::test]
async fn the_less_common_reads() {
    let bench = bench().await;
    let org = tree(&bench);
    let parents = org.list_parents().child_id(PROD).send().await.unwrap();
    assert_eq!(parents.parents()[0].id(), Some("ou-abcd-22222222"));
    let unit = org.describe_organizational_unit().organizational_unit_id("ou-abcd-11111111");
    let unit = unit.send().await.unwrap().organizational_unit.unwrap();
    assert_eq!(unit.name(), Some("Workloads"));

    let store = aws_sdk_identitystore::Client::new(&bench.config);
    let groups = store.list_groups().identity_store_id(STORE).send().await.unwrap();
    assert_eq!(groups.groups()[0].group_id(), OPS);

    bench.aws.assign(INSTANCE, ADMIN, PROD, ANA).assign(INSTANCE, ADMIN, PROD, BO);
    let sso = bench.sso();
    let sets = sso.list_permission_sets_provisioned_to_account().instance_arn(INSTANCE);
    assert_eq!(sets.account_id(PROD).send().await.unwrap().permission_sets(), [ADMIN]);
    let accounts = sso.list_accounts_for_provisioned_permission_set().instance_arn(INSTANCE);
    let accounts = accounts.permission_set_arn(ADMIN).send().await.unwrap();
    assert_eq!(accounts.account_ids(), [PROD]);
    assert!(bench.aws.unexpected().is_empty());
}

#[tokio::test]
async fn users_come_and_go_by_hand() {
    let bench = bench().await;
    let store = aws_sdk_identitystore::Client::new(&bench.config);
    let find = |name: &str| {
        let call = store.get_user_id().identity_store_id(STORE);
        call.alternate_identifier(attribute("userName", name)).send()
    };
    // Ana is renamed, and Bo gets her old name.
    bench.aws.add_sso_user(STORE, ANA, "anna", "anna@example.com");
    bench.aws.add_sso_user(STORE, BO, "ana", "ana@example.com");
    assert_eq!(find("ana").await.unwrap().user_id(), BO);
    assert_eq!(code(&find("bo").await.unwrap_err()), "ResourceNotFoundException");
    bench.aws.join_group(STORE, OPS, ANA).remove_sso_user(STORE, ANA);
    assert!(!bench.aws.is_member(STORE, OPS, ANA));
    bench.aws.add_iam_user("000000000000", "nobody");
    assert_eq!(bench.aws.unexpected(), ["set-up: there is no account 000000000000"]);
}
