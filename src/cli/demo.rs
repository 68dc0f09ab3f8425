//! `sym demo`: try the bot on this machine.

use super::{block_on, check, complain, complain_about, say};
use crate::config::{Environment, ManifestArgs, manifest_options};
use crate::demo::{Demo, play, show};
use crate::manifest::{self, Catalog, Options};
use clap::Args;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder with the flows to try
    ///
    /// `manifests` when there is one here, else the examples that come with the program.
    #[arg(long, env = "SYM_MANIFESTS", value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// The port of the page; any free one when it is taken and not asked for
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Play one whole request in the terminal and stop
    #[arg(long)]
    script: bool,
    #[command(flatten)]
    manifest: ManifestArgs,
}

/// Where the page is when nothing is said.
const PORT: u16 = 3030;

pub(super) fn demo(args: &DemoArgs, environment: &Environment) -> ExitCode {
    let mut options = match manifest_options(&args.manifest, environment) {
        Ok(options) => options,
        Err(wrong) => return complain_about("The settings are not right:", &wrong),
    };
    // A flow without a channel can be tried all the same.
    options.channel.get_or_insert_with(|| "#access-requests".to_owned());
    let Some(catalog) = flows(args.manifests.as_deref(), &options) else { return ExitCode::FAILURE };
    block_on(async {
        match start(catalog, args).await {
            Ok(demo) if args.script => tell_story(demo).await,
            Ok(demo) => stay(demo).await,
            Err(error) => complain_about("The demo cannot start:", &[error.to_string()]),
        }
    })
}

/// The example manifests, for a demo anywhere.
const EXAMPLES: [(&str, &str); 3] = [
    ("aws-iam.hcl", include_str!("../../manifests/aws-iam.hcl")),
    ("aws-sso.hcl", include_str!("../../manifests/aws-sso.hcl")),
    ("sso-group.hcl", include_str!("../../manifests/sso-group.hcl")),
];

fn flows(named: Option<&Path>, options: &Options) -> Option<Catalog> {
    let here = Path::new("manifests");
    match named {
        Some(folder) => check::load(folder, options),
        None if here.is_dir() => check::load(here, options),
        None => check::told(manifest::load_texts("the example manifests", &EXAMPLES, options)),
    }
}

async fn start(catalog: Catalog, args: &DemoArgs) -> Result<Demo, crate::demo::DemoError> {
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match args.port {
        Some(port) => Demo::start(catalog, Some(on(port))).await,
        None if args.script => Demo::start(catalog, None).await,
        None => match Demo::start(catalog.clone(), Some(on(PORT))).await {
            Err(crate::demo::DemoError::Io(_)) => Demo::start(catalog, None).await,
            started => started,
        },
    }
}

async fn tell_story(demo: Demo) -> ExitCode {
    let told = play(&demo, &mut |line| say(&line)).await;
    demo.stop().await;
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            complain(&format!("The story broke off: {what}."));
            ExitCode::FAILURE
        }
    }
}

async fn stay(demo: Demo) -> ExitCode {
    show(&demo.stage, &demo.engine, &demo.clock);
    demo.stage.slack.set_notice(
        "This is a simulated Slack with the real bot in it. Type /sym request as Ana, then switch to Bo to approve.",
    );
    say(&format!(
        "The demo is at {}\n\n\
         1. You are Ana. Type `/sym request` in #general and fill in the form.\n\
         2. Switch to Bo (top right) and press Approve in the request's channel.\n\
         3. Watch “AWS right now” at the side: the access is there. Ana has a direct message.\n\
         4. Press “Skip an hour”: it is gone again, and everybody is told.\n\n\
         Nothing here is real and nothing is kept. Stop with Ctrl-C.",
        demo.stage.slack.page_url()
    ));
    // Whatever ends the wait, the demo is over.
    drop(tokio::signal::ctrl_c().await);
    demo.stop().await;
    ExitCode::SUCCESS
}
