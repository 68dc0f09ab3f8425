use super::*;
use crate::access::{Email, TargetKind};
use insta::assert_snapshot;

const FIXTURES: &str = "fixtures/manifests";

/// What `sym check` would say.
fn say(loaded: Result<Loaded, Complaints>) -> String {
    match loaded {
        Ok(loaded) if loaded.warnings.is_empty() => "nothing is wrong".to_owned(),
        Ok(loaded) => loaded.warnings.to_string(),
        Err(complaints) => complaints.to_string(),
    }
}

/// Loads texts that are on no disk, with the folder `m` as the manifest.
fn load_texts(texts: &[(&str, &str)], options: &Options) -> Result<Loaded, Complaints> {
    let texts = texts.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    load_from(&Files::Memory(texts.collect()), Path::new("m"), options)
}

#[test]
fn every_broken_manifest_says_what_is_wrong_and_where() {
    let folder = Path::new(FIXTURES).join("broken");
    let base = std::fs::read_to_string(folder.join("base/base.hcl")).unwrap();
    let mut names: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hcl"))
        .collect();
    names.sort();
    assert!(names.len() >= 40, "{} broken manifests", names.len());
    assert_snapshot!(say(load_texts(&[("m/base.hcl", &base)], &Options::default())), @"nothing is wrong");
    for path in names {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = format!("m/{name}.hcl");
        let text = std::fs::read_to_string(&path).unwrap();
        let loaded = load_texts(&[("m/base.hcl", &base), (&file, &text)], &Options::default());
        assert_eq!(loaded.is_ok(), name == "warnings-only", "{name}: {}", say(loaded));
        insta::with_settings!({
            snapshot_path => "../../fixtures/manifests/broken",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            assert_snapshot!(name, say(loaded));
        });
    }
}

/// Loads a folder of the fixtures.
fn load_fixture(folder: &str, terraform: &[&str]) -> Loaded {
    let folder = Path::new(FIXTURES).join(folder);
    let terraform = terraform.iter().map(|file| folder.join(file)).collect();
    let channel = Some("#from-the-command-line".to_owned());
    let options = Options { terraform, channel, ..Options::default() };
    load(&folder, &options).unwrap_or_else(|complaints| panic!("{complaints}"))
}

#[test]
fn the_documents_sso_strategy_loads() {
    let loaded = load_fixture("sso", &["outputs.json", "state.json"]);
    assert_snapshot!(say(Ok(loaded.clone())), @r#"
    warning: `implementation` is Python of Sym, which is not run
      --> fixtures/manifests/sso/main.tf:46:3
       |
    46 |   implementation = file("${path.module}/impl.py")
       |   ^^^^^^^^^^^^^^
      hint: say in `rule` blocks of this flow who may ask and who decides; without one, the members of the flow's channel decide
    "#);
    assert_snapshot!(describe(&loaded.catalog), @"
    sso-access-main — AWS SSO Access (fixtures/manifests/sso/main.tf:40)
      asked for in Slack and the API
      offers
        AWS SSO Test Target (aws-sso-target-main): permission set ps-1111111111111111 in account 111122223333
      for 30m, 1h, 4h, 8h; may be ended early
      the form asks for
        Reason (reason): string, required
      cards go to #from-the-command-line
      errors go to #sym-errors
      rules (every one that matches a request binds)
        standard: every full member for any target: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymRuntimeMain, then arn:aws:iam::111122223333:role/sym/SymSSOMain
    ");
    let target = &loaded.catalog.flows[0].flow.targets[0];
    assert_eq!(target.instance_arn, "arn:aws:sso:::instance/ssoins-1111111111111111");
    assert_eq!(target.connection.region.as_deref(), Some("us-east-1"));
    assert_eq!(
        target.connection.hops[0].external_id.as_deref(),
        Some("b7d3c2e0-6d5f-4a7e-9f0e-1c2d3e4f5a6b")
    );
    assert_eq!(target.connection.hops[1].external_id, None);
}

#[test]
fn the_documents_dynamic_target_loads() {
    assert_snapshot!(describe(&load_fixture("sso-dynamic", &[]).catalog), @"
    aws_sso_access — AWS SSO Access (fixtures/manifests/sso-dynamic/main.tf:26)
      asked for in Slack and the API
      offers
        Permission Set Name (permission-set-name): permission set ps-aaaaaaaaaaaaaaaa in the account that the request names
      for 30m, 1h, 4h, 8h; may be ended early
      the form asks for
        Account ID (account_id): string, required
      cards go to #access-requests
      rules (every one that matches a request binds)
        standard: every full member for any target: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymSSOMain
    ");
}

#[test]
fn the_documents_iam_strategy_loads() {
    assert_snapshot!(describe(&load_fixture("iam", &["terraform.json"]).catalog), @"
    iam_access — IAM Group Access (fixtures/manifests/iam/main.tf:50)
      asked for in Slack and the API
      offers
        Cloudwatch Read-only (cloudwatch-readonly): IAM group cloudwatch-readonly in account 111122223333
      for 30m, 1h, 4h, 8h; may be ended early
      cards go to C0123456789
      rules (every one that matches a request binds)
        standard: every full member for any target: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymIAMMain
    ");
}

#[test]
fn the_quickstarts_environments_and_modules_load() {
    let loaded = load_fixture("quickstart/environments/prod", &["terraform.json"]);
    assert_snapshot!(say(Ok(loaded.clone())), @"nothing is wrong");
    assert_snapshot!(describe(&loaded.catalog), @"
    iam-prod — AWS IAM (fixtures/manifests/quickstart/modules/aws-iam-flow/main.tf:48)
      asked for in Slack and the API
      offers
        Cloudwatch (read-only) (CloudWatchReadOnly): IAM group CloudWatchReadOnly in account 111122223333
        S3 (read-only) (S3ReadOnly): IAM group S3ReadOnly in account 111122223333
      for 30m, 1h, 4h; may be ended early
      the form asks for
        Reason (reason): string, required
        Ticket (ticket): string, optional
      cards go to #access-requests
      errors go to #sym-errors
      rules (every one that matches a request binds)
        CloudWatchReadOnly: every full member for CloudWatchReadOnly, at most 4 hours: decided by one of the channel's members, never their own, within 8 hours
        S3ReadOnly: every full member for S3ReadOnly, at most 1 hour: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymRuntimeMain, then arn:aws:iam::111122223333:role/sym/SymIAMMain
    ");
}

#[test]
fn syms_older_form_loads() {
    assert_snapshot!(describe(&load_fixture("old-form", &[]).catalog), @"
    iam — IAM access (fixtures/manifests/old-form/main.tf:32)
      asked for in Slack
      offers
        Cloudwatch Read-only (cloudwatch-readonly): IAM group cloudwatch-readonly in account 111122223333
      for 30m, 1h; ends by time only
      the form asks for
        Reason (reason): string, required
        Urgency (urgency): string, optional, one of Low, Medium, High
        duration (duration): duration, required, one of 30m, 1h
      cards go to #access-requests
      rules (every one that matches a request binds)
        standard: every full member for any target: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymIAMMain
    ");
}

#[test]
fn counts_loops_and_functions_are_worked_out() {
    let loaded = load_fixture("expanded", &[]);
    assert_snapshot!(describe(&loaded.catalog), @"
    all — all (fixtures/manifests/expanded/main.hcl:59)
      asked for in Slack and the API
      offers
        ReadOnly in dev (dev-readonly): permission set ps-0000000000000000 in account 777788889999
        Admin in prod (prod-admin): permission set ps-0000000000000001 in account 111122223333
        ReadOnly in prod (prod-readonly): permission set ps-0000000000000000 in account 111122223333
        Admin in staging (staging-admin): permission set ps-0000000000000001 in account 444455556666
        ReadOnly in staging (staging-readonly): permission set ps-0000000000000000 in account 444455556666
        group-0 (group-0): Identity Center group 11112222-3333-4444-5555-666677778880
        group-1 (group-1): Identity Center group 11112222-3333-4444-5555-666677778881
      for 30m, 1h, 4h, 8h; may be ended early
      cards go to #access
      rules (every one that matches a request binds)
        admin: ana@example.com, bo@example.com for prod-admin, staging-admin, at most 1 hour: decided by one of bo@example.com, cy@example.com, never their own, within 8 hours
        rest: every full member for dev-readonly, prod-readonly, staging-readonly, group-0, group-1, at most 8 hours: decided by one of all full members, also their own, within 8 hours
      reaches AWS with the bot's own credentials

    Identities written down:
      ana@example.com is ana.admin in Identity Center, ana-smith in IAM
      ana@example.com is ana in Identity Center
    ");
    assert_snapshot!(loaded.catalog.flows[0].flow.additional_header_text.as_ref().unwrap(), @"
    Accounts:
    • *dev* (`777788889999`)
    • *prod* (`111122223333`)
    • *staging* (`444455556666`)
    ");
}

#[test]
fn the_examples_are_one_manifest_and_nothing_is_wrong_with_them() {
    let loaded = load(Path::new("manifests"), &Options::default()).unwrap();
    assert_snapshot!(say(Ok(loaded.clone())), @"nothing is wrong");
    assert_snapshot!(describe(&loaded.catalog), @"
    iam — IAM group access (manifests/aws-iam.hcl:35)
      asked for in Slack and the API
      offers
        CloudWatch read-only (cloudwatch-readonly): IAM group cloudwatch-readonly in account 111122223333
      for 30m, 1h, 4h, 8h; may be ended early
      the form asks for
        Reason (reason): string, required
        Ticket number (ticket): int, optional
        Is this for an incident? (incident): bool, optional, else false
        Services concerned (services): str_list, optional, one of api, web, worker, database
        Who is working with you? (witness): slack_user, optional
      cards go to #access-requests
      rules (every one that matches a request binds)
        read-only: every full member for any target, at most 8 hours: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymRuntimeMain, then arn:aws:iam::111122223333:role/sym/SymIAMMain

    aws — AWS access (manifests/aws-sso.hcl:132)
      asked for in Slack and the API
      offers
        Prod admin (prod-admin): permission set ps-1111111111111111 in account 111122223333
        Prod read-only (prod-read-only): permission set ps-2222222222222222 in account 111122223333
        Read-only in the account below (any-read-only): permission set ps-2222222222222222 in the account that the request names
      for 30m, 1h, 4h; may be ended early
      the form asks for
        Reason (reason): string, required
        Access (target_id): string, required
        Account ID (account_id): string, required for any-read-only, else not used
        For how long (duration): duration, required, one of 30m, 1h, 4h
      cards go to #access-requests
      rules (every one that matches a request binds)
        prod: every full member for any target in 111122223333, 444455556666, at most 4 hours: decided by one of the channel's members, never their own, within 2 hours
        dev: every full member for any target in 777788889999, at most 1 hour: without asking anybody
        never: every full member for any target in 999988887777: never
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymRuntimeMain, then arn:aws:iam::111122223333:role/sym/SymSSOMain

    groups — Support groups (manifests/sso-group.hcl:25)
      asked for in Slack and the API
      offers
        Production support (prod-support): Identity Center group 11112222-3333-4444-5555-666677778888
      for 30m, 1h, 4h; may be ended early
      the form asks for
        Reason (reason): string, required
      cards go to #access-requests
      rules (every one that matches a request binds)
        support: every full member for prod-support, at most 4 hours: decided by one of the channel's members, never their own, within 8 hours
      reaches AWS as arn:aws:iam::111122223333:role/sym/SymRuntimeMain, then arn:aws:iam::111122223333:role/sym/SymSSOMain
    ");
}

#[test]
fn what_terraform_has_to_supply_is_asked_for_once() {
    let options = Options { channel: Some("#x".to_owned()), ..Options::default() };
    assert_snapshot!(say(load(&Path::new(FIXTURES).join("iam"), &options)), @"
    error: `module.iam_connector` is known to Terraform only
      --> fixtures/manifests/iam/main.tf:20:17
       |
    20 |   external_id = module.iam_connector.settings.account_id
       |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      also needed at: fixtures/manifests/iam/main.tf:21:17
      hint: pass `--terraform FILE` with the JSON of `terraform output -json`, where an output `iam_connector` has the value `module.iam_connector`, or a JSON object with the key `module.iam_connector`
    ");
    let nested = Path::new(FIXTURES).join("quickstart/environments/prod");
    let complaints = load(&nested, &options).unwrap_err();
    assert_snapshot!(complaints.iter().next().unwrap().hint.as_ref().unwrap(), @"pass `--terraform FILE` with a JSON object that has the key `module.aws_iam_flow.module.iam_connector` with the module's outputs");
}

#[test]
fn an_identity_for_the_integration_goes_before_one_for_all() {
    let catalog = load_fixture("expanded", &[]).catalog;
    let (ana, sso, other) = (Email::new("ANA@example.com"), "sso".into(), "other".into());
    let kind = TargetKind::AwsSsoGroup;
    assert_eq!(catalog.identity(&ana, &sso, kind), Some("ana.admin"));
    assert_eq!(catalog.identity(&ana, &other, kind), Some("ana"));
    assert_eq!(catalog.identity(&ana, &sso, TargetKind::AwsIamGroup), Some("ana-smith"));
    assert_eq!(catalog.identity(&ana, &other, TargetKind::AwsIamGroup), None);
    assert_eq!(catalog.identity(&Email::new("bo@example.com"), &sso, kind), None);
}

#[test]
fn values_come_from_defaults_then_files_then_the_command_line() {
    let manifest = r#"
        variable "a" { default = "default" }
        variable "b" { default = "default" }
        variable "c" { default = "default" }
        variable "channels" { type = list(string) }
        resource "sym_flow" "x" {
          name    = "x"
          label   = "${var.a} ${var.b} ${var.c}"
          channel = var.channels[1]
        }
    "#;
    let values = "b = \"file\"\nc = \"file\"\n";
    let texts = [("m/x.hcl", manifest), ("m/x.auto.tfvars", values)];
    let vars = [("c", "command line"), ("channels", r##"["#a", "#b"]"##)];
    let vars = vars.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let options = Options { vars, ..Options::default() };
    let loaded = load_texts(&texts, &options).unwrap_or_else(|complaints| panic!("{complaints}"));
    let flow = &loaded.catalog.flows[0].flow;
    assert_eq!(flow.label, "default file command line");
    assert_eq!(flow.channel.as_deref(), Some("#b"));
}

#[test]
fn what_is_wrong_outside_of_the_manifest_has_a_place_too() {
    let texts = [
        ("m/x.hcl", "variable \"a\" {\n  type = number\n}\n\nlocals {\n  b = var.a\n}\n"),
        ("m/terraform.tfvars", "b = 1\nc {}\n"),
        ("t.json", "{\n  \"a\": 1,\n}\n"),
    ];
    let vars = [("a".to_owned(), "many".to_owned()), ("z".to_owned(), "1".to_owned())];
    let options = Options {
        vars: vars.into_iter().collect(),
        terraform: vec!["t.json".into(), "nowhere.json".into()],
        channel: Some("access".to_owned()),
    };
    assert_snapshot!(say(load_texts(&texts, &options)), @"
    warning: there is no variable `b`
      --> m/terraform.tfvars:1:1
      |
    1 | b = 1
      | ^

    error: a values file holds `name = value` only
      --> m/terraform.tfvars:2:1
      |
    2 | c {}
      | ^^^^

    error: this is not JSON: trailing comma at line 3 column 1
      --> t.json:3:1
      |
    3 | }
      | ^

    error: this file cannot be read: entity not found
      --> nowhere.json

    error: `a` has to be a number, and this is text
      --> --var a:1:3
      |
    1 | a=many
      |   ^^^^

    warning: there is no variable `z`
      --> --var z:1:1
      |
    1 | z=1
      | ^

    error: this has to be a Slack channel: `#name` or its id
      --> --channel:1:1
      |
    1 | access
      | ^^^^^^
    ");
    assert_snapshot!(say(load_texts(&[("n/x.hcl", "")], &Options::default())), @"
    error: the folder `m` cannot be read: entity not found
      --> m
      hint: name the folder with your *.hcl or *.tf files: DIR, --manifests or SYM_MANIFESTS, whichever the command takes
    ");
    assert_snapshot!(say(load_texts(&[("m/x.txt", "")], &Options::default())), @"
    error: there is no manifest in `m`
      --> m
      hint: a manifest is a file whose name ends in .hcl or .tf
    ");
}

#[test]
fn modules_that_load_each_other_are_told() {
    let texts = [
        ("m/main.tf", "module \"a\" {\n  source = \"./a\"\n}\n"),
        ("m/a/main.tf", "module \"b\" {\n  source = \"../b\"\n}\n"),
        ("m/b/main.tf", "module \"a\" {\n  source = \"../a\"\n}\n"),
    ];
    assert_snapshot!(say(load_texts(&texts, &Options::default())), @r#"
    error: modules load each other in a circle: `m/a` → `m/b` → `m/a`
      --> m/b/main.tf:2:12
      |
    2 |   source = "../a"
      |            ^^^^^^
    "#);
}

const LOADS_MODULES: &str = r##"
module "a" {
  source = "./a"
  chanel = "x"
}
module "b" {
  count   = 2
  source  = "./a"
  channel = "#b${count.index}"
}
module "c" {
  source = "./c"
}
locals {
  a = module.b[1].flw
  b = module.b[2].flow
  c = module.c.flow
}
"##;

const IS_LOADED: &str = r##"
variable "channel" {}
resource "sym_flow" "x" {
  name    = "flow-${trimprefix(var.channel, "#")}"
  channel = var.channel
}
output "flow" { value = sym_flow.x.id }
identity "ana@example.com" { aws_sso = "ana" }
"##;

#[test]
fn what_is_wrong_with_modules_is_told_where_they_are_loaded() {
    let texts = [("m/main.tf", LOADS_MODULES), ("m/a/main.tf", IS_LOADED)];
    assert_snapshot!(say(load_texts(&texts, &Options::default())), @r#"
    error: this module needs a value for `channel`
      --> m/main.tf:2:1
      |
    2 | module "a" {
      | ^^^^^^^^^^
      declared at: m/a/main.tf:2:1

    error: the module in `m/a` has no variable `chanel`
      --> m/main.tf:4:3
      |
    4 |   chanel = "x"
      |   ^^^^^^
      hint: did you mean `channel`?

    error: the folder `m/c` cannot be read: entity not found
      --> m/main.tf:12:12
       |
    12 |   source = "./c"
       |            ^^^^^

    error: the module `b` has no output `flw`
      --> m/main.tf:15:7
       |
    15 |   a = module.b[1].flw
       |       ^^^^^^^^^^^^^^^
      hint: did you mean `flow`?

    error: there is no `module.b[2]`
      --> m/main.tf:16:7
       |
    16 |   b = module.b[2].flow
       |       ^^^^^^^^^^^
      hint: there is `module.b[0]`, `module.b[1]`

    error: `identity` blocks stand in the manifest's own folder, not in modules
      --> m/a/main.tf:8:1
      |
    8 | identity "ana@example.com" { aws_sso = "ana" }
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn complaints_are_drawn_for_terminals() {
    let texts = [("m/x.hcl", "resource \"sym_flow\" \"x\" {\n\tnmae = \"x\"\n}\n")];
    let complaints = load_texts(&texts, &Options::default()).unwrap_err();
    assert_eq!((complaints.len(), complaints.count(Severity::Error)), (2, 1));
    let first = complaints.iter().find(|complaint| complaint.severity == Severity::Error).unwrap();
    assert_eq!((first.line, first.column, &first.source_line[..]), (2, 2, "\tnmae = \"x\""));
    assert_eq!(first.span, 27..31);
    assert_snapshot!(complaints.render(false), @r##"
     ⚠ the flow `sym_flow.x` has no channel for its cards
      ╭─[m/x.hcl:1:1]
    1 │ resource "sym_flow" "x" {
      · ───────────────────────
    2 │     nmae = "x"
      ╰────
     help: set `channel = "#access-requests"` on the flow or its environment, or pass `--channel`

     × unknown attribute `nmae` in `sym_flow`
      ╭─[m/x.hcl:2:2]
    1 │ resource "sym_flow" "x" {
    2 │     nmae = "x"
      ·     ────
    3 │ }
      ╰────
     help: did you mean `name`?
    "##);
    assert!(complaints.render(true).contains("\u{1b}["));
}

#[test]
fn nothing_deep_or_long_breaks_the_reader() {
    let deep = format!("locals {{\n  a = {}1{}\n}}\n", "(".repeat(60), ")".repeat(60));
    assert!(load_texts(&[("m/x.hcl", &deep)], &Options::default()).is_ok());
    let deeper = format!("locals {{\n  a = {}1{}\n}}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(load_texts(&[("m/x.hcl", &deeper)], &Options::default()).is_err());
    let long = format!("locals {{\n  a = 1{}\n}}\n", " + 1".repeat(3000));
    assert!(load_texts(&[("m/x.hcl", &long)], &Options::default()).is_err());
    let many: Vec<String> = (0..500).map(|i| format!("  a{i} = local.a{}\n", i + 1)).collect();
    let chain = format!("locals {{\n{}  a500 = 1\n}}\n", many.concat());
    assert!(load_texts(&[("m/x.hcl", &chain)], &Options::default()).is_err());
}

#[test]
fn a_file_that_is_not_hcl_makes_no_other_complaints() {
    let texts = [
        ("m/a.hcl", "resource \"sym_environment\" \"main\" {\n  name = \"main\"\n"),
        (
            "m/b.hcl",
            "resource \"sym_flow\" \"x\" {\n  name = local.name\n  label = var.label\n  lable = 1\n  \
             environment_id = sym_environment.main.id\n}\n",
        ),
        ("m/c.hcl", "a b c"),
    ];
    assert_snapshot!(say(load_texts(&texts, &Options::default())), @r#"
    error: this is not HCL: invalid block body; expected `}`, newline or identifier
      --> m/a.hcl:1:35
      |
    1 | resource "sym_environment" "main" {
      |                                   ^
      hint: this brace is not closed: a `}` is missing where its block should end

    error: unknown attribute `lable` in `sym_flow`
      --> m/b.hcl:4:3
      |
    4 |   lable = 1
      |   ^^^^^
      hint: did you mean `label`?

    error: this is not HCL: expected `{`
      --> m/c.hcl:1:5
      |
    1 | a b c
      |     ^
    "#);
}

#[test]
fn what_terraform_may_know_is_never_guessed() {
    let text = r##"
        locals {
          a = try({ b = 1 }.c, "fine")
          b = can({ b = 1 }.c)
        }
        resource "sym_flow" "x" {
          name    = "${local.a}-${local.b}"
          label   = try(data.aws_region.this.name, "a guess")
          channel = can(aws_x.y.z) ? "#a" : "#b"
        }
    "##;
    let complaints = load_texts(&[("m/x.hcl", text)], &Options::default()).unwrap_err();
    let messages: Vec<&str> = complaints.iter().map(|complaint| complaint.message.as_str()).collect();
    assert_eq!(
        messages,
        ["`data.aws_region.this` is known to Terraform only", "`aws_x.y` is known to Terraform only",]
    );
}

#[test]
fn no_manifest_however_mangled_breaks_the_reader() {
    let read = |name: &str| std::fs::read_to_string(Path::new(FIXTURES).join(name)).unwrap();
    let texts = [read("expanded/main.hcl"), read("broken/base/base.hcl"), read("old-form/main.tf")];
    for text in texts {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for cut in 0..lines.len() {
            let without = [&lines[..cut], &lines[cut + 1..]].concat().concat();
            let doubled = [&lines[..=cut], &lines[cut..]].concat().concat();
            let broken = lines[..cut].concat();
            for mangled in [without, doubled, broken] {
                let said = say(load_texts(&[("m/x.hcl", &mangled)], &Options::default()));
                assert!(!said.contains("mistake of the bot"), "{mangled}\n{said}");
            }
        }
    }
}

#[test]
fn what_is_removed_by_hand_stays_removed_unless_the_flow_says_otherwise() {
    let base = std::fs::read_to_string(Path::new(FIXTURES).join("broken/base/base.hcl")).unwrap();
    let restores = |line: &str| {
        let flow = format!(
            "resource \"sym_flow\" \"x\" {{\n name = \"x\"\n environment_id = sym_environment.main.id\n {line}\n \
             params {{ strategy_id = sym_strategy.sso.id }}\n}}\n"
        );
        let loaded = load_texts(&[("m/base.hcl", &base), ("m/x.hcl", &flow)], &Options::default());
        let catalog = loaded.unwrap_or_else(|complaints| panic!("{complaints}")).catalog;
        let shown = describe(&catalog).contains("given again when somebody removes it in AWS");
        let entry = catalog.flow(&crate::access::FlowName::new("x")).unwrap();
        assert_eq!(shown, entry.flow.restores);
        entry.flow.restores
    };
    assert!(!restores(""));
    assert!(!restores("when_removed_by_hand = \"close\""));
    assert!(restores("when_removed_by_hand = \"restore\""));
}
