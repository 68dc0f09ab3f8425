//! The settings: flags and environment, read once, complained about all at once.

use clap::Args;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the flows are and what they refer to.
#[derive(Debug, Clone, Args)]
pub struct ManifestArgs {
    /// A value for a manifest variable, as `name=value`; repeatable. `SYM_VAR_name` does the same
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// What Terraform knows, as JSON of `terraform show -json` or `terraform output -json`; repeatable
    #[arg(long = "terraform", value_name = "FILE")]
    pub terraform: Vec<PathBuf>,
    /// The channel for flows that name none, such as `#access-requests`
    #[arg(long, env = "SYM_CHANNEL", value_name = "CHANNEL")]
    pub channel: Option<String>,
}

/// Everything `sym run` needs.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The folder with the flows
    #[arg(long, env = "SYM_MANIFESTS", value_name = "DIR", default_value = "manifests")]
    pub manifests: PathBuf,
    /// The folder with the books: requests, timers, audit trail
    #[arg(long, env = "SYM_DATA", value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Read the flows again when their files change. SIGHUP does so at any time
    #[arg(long, env = "SYM_WATCH")]
    pub watch: bool,
    /// Where /healthz and /readyz are served
    #[arg(long, env = "SYM_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// With less room than this on the disk with the books, or less than 40, no new requests are taken
    #[arg(long, env = "SYM_KEEP_FREE", value_name = "MIB", default_value_t = 64)]
    pub keep_free: u64,
    /// Where Slack's Web API is
    #[arg(long, env = "SYM_SLACK_API_URL", value_name = "URL", default_value = "https://slack.com/api")]
    pub slack_api_url: String,
    /// Do not keep AWS's quotas of calls and operations. For load tests against a simulated AWS only
    #[arg(long, hide = true)]
    pub no_quotas: bool,
    /// How the manifests are read
    #[command(flatten)]
    pub manifest: ManifestArgs,
}

/// Settings that can be used.
#[derive(Debug)]
pub struct RunSettings {
    /// The folder with the flows.
    pub manifests: PathBuf,
    /// The folder with the books.
    pub data: PathBuf,
    /// Read the flows again when their files change.
    pub watch: bool,
    /// With less room than so many MiB on the disk with the books, or less than 40, no new requests are
    /// taken.
    pub keep_free: u64,
    /// Where health is served.
    pub listen: SocketAddr,
    /// The app-level token.
    pub app_token: Secret,
    /// The bot token.
    pub bot_token: Secret,
    /// Where Slack's Web API is, without a slash at the end.
    pub slack_api_url: String,
    /// Where AWS is, when it is not AWS.
    pub aws_endpoint_url: Option<String>,
    /// The region for everything that names none.
    pub aws_region: Option<String>,
    /// Keep AWS's quotas.
    pub keeps_quotas: bool,
    /// How manifests are read.
    pub manifest: crate::manifest::Options,
}

/// A text that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The process environment, read once.
#[derive(Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads it. Variables that are not text are passed over.
    pub fn read() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
        let all = std::env::vars_os();
        Self(
            all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// One made of pairs, for tests.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a variable; an empty one counts as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn manifest_variables(&self) -> impl Iterator<Item = (String, String)> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix("SYM_VAR_")?.to_owned(), value.clone())))
    }
}

/// Reads the options for manifests.
///
/// # Errors
/// A `--var` is not `name=value`.
pub fn manifest_options(
    args: &ManifestArgs,
    environment: &Environment,
) -> Result<crate::manifest::Options, Vec<String>> {
    let mut vars: BTreeMap<String, String> = environment.manifest_variables().collect();
    let mut wrong = Vec::new();
    for pair in &args.vars {
        match pair.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                vars.insert(name.trim().to_owned(), value.to_owned());
            }
            _ => wrong.push(format!("--var `{pair}` is not of the form NAME=VALUE")),
        }
    }
    if wrong.is_empty() {
        Ok(crate::manifest::Options {
            vars,
            terraform: args.terraform.clone(),
            channel: args.channel.clone(),
        })
    } else {
        Err(wrong)
    }
}

/// Checks everything and says all that is wrong.
///
/// # Errors
/// One sentence for each setting that is missing or wrong, saying what to do.
pub fn settings(args: &RunArgs, environment: &Environment) -> Result<RunSettings, Vec<String>> {
    let mut wrong = Vec::new();
    let app_token = token(environment, "SLACK_APP_TOKEN", "xapp-", APP_TOKEN_HELP, &mut wrong);
    let bot_token = token(environment, "SLACK_BOT_TOKEN", "xoxb-", BOT_TOKEN_HELP, &mut wrong);
    let listen = args.listen.parse::<SocketAddr>();
    if listen.is_err() {
        wrong.push(format!(
            "--listen / SYM_LISTEN is `{}`: give an address and a port, such as 127.0.0.1:8080",
            args.listen
        ));
    }
    if !args.manifests.is_dir() {
        wrong.push(format!(
            "--manifests / SYM_MANIFESTS is `{}`, which is not a folder: name the one with your *.hcl or *.tf files",
            args.manifests.display()
        ));
    }
    let url = args.slack_api_url.trim_end_matches('/').to_owned();
    if !url.starts_with("https://") && !url.starts_with("http://") {
        wrong.push(format!("--slack-api-url / SYM_SLACK_API_URL is `{url}`: it must begin with https://"));
    }
    let manifest = manifest_options(&args.manifest, environment).map_err(|more| wrong.extend(more));
    match (app_token, bot_token, listen, manifest) {
        (Some(app_token), Some(bot_token), Ok(listen), Ok(manifest)) if wrong.is_empty() => Ok(RunSettings {
            manifests: args.manifests.clone(),
            data: args.data.clone(),
            watch: args.watch,
            keep_free: args.keep_free,
            listen,
            app_token,
            bot_token,
            slack_api_url: url,
            aws_endpoint_url: environment.get("AWS_ENDPOINT_URL").map(str::to_owned),
            aws_region: environment
                .get("AWS_REGION")
                .or_else(|| environment.get("AWS_DEFAULT_REGION"))
                .map(str::to_owned),
            keeps_quotas: !args.no_quotas,
            manifest,
        }),
        _ => Err(wrong),
    }
}

const APP_TOKEN_HELP: &str =
    "make one under “Basic Information → App-Level Tokens” with the scope connections:write";
const BOT_TOKEN_HELP: &str =
    "copy it from “OAuth & Permissions” after installing the app with slack-app.yaml";

fn token(
    environment: &Environment,
    name: &str,
    prefix: &str,
    help: &str,
    wrong: &mut Vec<String>,
) -> Option<Secret> {
    let value = environment.get(name).map(str::trim);
    match value {
        None => wrong.push(format!("{name} is not set: {help}")),
        Some(value) if !value.starts_with(prefix) => {
            wrong.push(format!("{name} does not begin with `{prefix}`: {help}"));
        }
        Some(value) => return Some(Secret::new(value)),
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_said_at_once() {
        let args = RunArgs {
            keep_free: 64,
            manifests: "/nowhere".into(),
            data: "data".into(),
            watch: false,
            listen: "everywhere".into(),
            slack_api_url: "slack.com".into(),
            no_quotas: false,
            manifest: ManifestArgs { vars: vec!["x".into()], terraform: vec![], channel: None },
        };
        let environment = Environment::of([("SLACK_APP_TOKEN", "xoxb-mixed-up"), ("SLACK_BOT_TOKEN", "")]);
        let wrong = settings(&args, &environment).unwrap_err();
        insta::assert_snapshot!(wrong.join("\n"), @r"
        SLACK_APP_TOKEN does not begin with `xapp-`: make one under “Basic Information → App-Level Tokens” with the scope connections:write
        SLACK_BOT_TOKEN is not set: copy it from “OAuth & Permissions” after installing the app with slack-app.yaml
        --listen / SYM_LISTEN is `everywhere`: give an address and a port, such as 127.0.0.1:8080
        --manifests / SYM_MANIFESTS is `/nowhere`, which is not a folder: name the one with your *.hcl or *.tf files
        --slack-api-url / SYM_SLACK_API_URL is `slack.com`: it must begin with https://
        --var `x` is not of the form NAME=VALUE
        ");
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Secret::new("xoxb-1")), "Secret(…)");
    }
}
