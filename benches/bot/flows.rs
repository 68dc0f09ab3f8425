//! The flows that are asked for: several, each with some targets, so that a form is as large as forms
//! are, and an account's permission set has as few people as it usually has.

use std::fmt::Write;
use std::path::Path;
use sym::manifest::{Catalog, Options, load};

/// How many flows there are, each in an account of its own.
pub(crate) const FLOWS: usize = 10;
/// How many targets each has.
pub(crate) const TARGETS: usize = 12;
/// The instance of all of them.
pub(crate) const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1111111111111111";
/// Where the cards go.
pub(crate) const CHANNEL: &str = "access-requests";

/// One thing that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) flow: String,
    pub(crate) label: String,
    pub(crate) account: String,
    pub(crate) permission_set: String,
}

/// Everything that can be asked for, each neighbour in another flow.
pub(crate) fn wishes() -> Vec<Wish> {
    let all = (0..TARGETS).flat_map(|target| (0..FLOWS).map(move |flow| (flow, target)));
    all.map(|(flow, target)| Wish {
        flow: format!("team-{flow}"),
        label: format!("Team {flow}: role {target}"),
        account: format!("2222{flow:08}"),
        permission_set: format!(
            "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-{:016}",
            flow * 100 + target
        ),
    })
    .collect()
}

/// Writes the manifest into a folder and loads it, as the bot will.
pub(crate) fn write(folder: &Path) -> crate::Outcome<Catalog> {
    std::fs::write(folder.join("flows.hcl"), text()?)?;
    let loaded = load(folder, &Options::default());
    Ok(loaded.map(|loaded| loaded.catalog).map_err(|complaints| complaints.render(false))?)
}

fn text() -> Result<String, std::fmt::Error> {
    let mut text = format!(
        r##"
resource "sym_integration" "sso" {{
  type        = "permission_context"
  name        = "sso"
  external_id = "{INSTANCE}"
  settings    = {{ region = "us-east-1" }}
}}
resource "sym_environment" "main" {{
  name    = "main"
  channel = "#{CHANNEL}"
}}
"##
    );
    for flow in 0..FLOWS {
        let name = format!("team-{flow}");
        let mut targets = Vec::new();
        for (number, wish) in wishes().iter().filter(|wish| wish.flow == name).enumerate() {
            targets.push(format!("sym_target.t{flow}_{number}.id"));
            write!(text, "{}", target(&format!("t{flow}_{number}"), wish))?;
        }
        write!(text, "{}", asked_with(flow, &targets.join(", ")))?;
    }
    Ok(text)
}

fn target(id: &str, wish: &Wish) -> String {
    format!(
        r#"
resource "sym_target" "{id}" {{
  type     = "aws_sso_permission_set"
  name     = "{id}"
  label    = "{}"
  settings = {{ account_id = "{}", permission_set_arn = "{}" }}
}}
"#,
        wish.label, wish.account, wish.permission_set
    )
}

fn asked_with(flow: usize, targets: &str) -> String {
    format!(
        r#"
resource "sym_strategy" "team_{flow}" {{
  type           = "aws_sso"
  name           = "team-{flow}"
  integration_id = sym_integration.sso.id
  targets        = [{targets}]
  settings       = {{ instance_arn = "{INSTANCE}" }}
}}
resource "sym_flow" "team_{flow}" {{
  name           = "team-{flow}"
  label          = "Team {flow}"
  environment_id = sym_environment.main.id
  params {{
    strategy_id = sym_strategy.team_{flow}.id
    prompt_field {{
      name     = "reason"
      label    = "Reason"
      type     = "string"
      required = true
    }}
    prompt_field {{
      name           = "duration"
      type           = "duration"
      allowed_values = ["30m", "1h", "4h"]
      required       = true
    }}
  }}
}}
"#
    )
}
