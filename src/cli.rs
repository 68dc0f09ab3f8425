//! The command line: `sym run`, `sym check`, `sym demo`, and what operators need.

mod admin;
mod audit;
mod check;
#[cfg(feature = "sandbox")]
mod demo;
mod drift;
mod live;
mod policy;
mod restore;
mod run;

use crate::config::{Environment, ManifestArgs, RunArgs};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// A self-hosted Slack bot for temporary AWS access that always ends on time.
///
/// Start with `sym demo`: it needs no Slack, no AWS and no settings.
#[derive(Debug, Parser)]
#[command(name = "sym", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    /// How much to log: `error`, `warn`, `info`, `debug`, or a filter such as `sym=debug,warn`
    #[arg(long = "log", env = "SYM_LOG", value_name = "FILTER", default_value = "info", global = true)]
    log: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot
    ///
    /// Reads `SLACK_APP_TOKEN` (xapp-…) and `SLACK_BOT_TOKEN` (xoxb-…) from the environment, and AWS's
    /// usual variables, profiles and roles. Everything missing or wrong is reported at once.
    Run(Box<RunArgs>),
    /// Read the manifests and say what they offer to whom, or everything that is wrong with them
    Check {
        /// The folder with the flows
        #[arg(value_name = "DIR", env = "SYM_MANIFESTS", default_value = "manifests")]
        folder: PathBuf,
        #[command(flatten)]
        manifest: ManifestArgs,
    },
    /// Ask a running bot what is open, and end access, with or without Slack
    ///
    /// For the user the bot runs as, and root, on its machine.
    Admin(admin::AdminArgs),
    /// Show where AWS and the books of a running bot differ, with or without Slack
    ///
    /// What somebody holds and no request covers (with the command that removes it), what a request
    /// covers and AWS does not have, and what could not be read. The bot compares them every hour.
    /// Exit code 0: they agree; 2: they differ, or something could not be read; 1: nothing was learned.
    Drift(drift::DriftArgs),
    /// Check or export the audit trail of a bot that is stopped
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Let a running bot write a copy of its books into a new file
    Backup(admin::BackupArgs),
    /// Put a backup into an empty folder
    Restore(restore::RestoreArgs),
    /// Say whether somebody may have something, by which rules, and who could decide
    ///
    /// With `SLACK_BOT_TOKEN` and AWS credentials in the environment Slack and AWS are asked, as for a
    /// real request; with --facts the file is believed instead. Ends with 0 when it is allowed, with 2
    /// when it is not, with 1 when that could not be found out.
    Explain(Box<policy::ExplainArgs>),
    /// Test the rules, or see what a change of them would mean
    Policy {
        #[command(subcommand)]
        command: policy::PolicyCommand,
    },
    /// Try the bot in a browser, against a simulated Slack and a simulated AWS on this machine
    #[cfg(feature = "sandbox")]
    Demo(demo::DemoArgs),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::read();
    match cli.command {
        Command::Run(args) => run::run(&args, &environment, &cli.log),
        Command::Check { folder, manifest } => check::check(&folder, &manifest, &environment),
        Command::Admin(args) => admin::admin(&args),
        Command::Drift(args) => drift::drift(&args),
        Command::Audit(command) => audit::audit(&command),
        Command::Backup(args) => admin::backup(&args.file, &args.data),
        Command::Restore(args) => restore::restore(&args, &environment),
        Command::Explain(args) => policy::explain(&args, &environment),
        Command::Policy { command } => policy::policy(&command, &environment),
        #[cfg(feature = "sandbox")]
        Command::Demo(args) => demo::demo(&args, &environment),
    }
}

/// One line on standard output, for people and pipes.
fn say(text: &str) {
    use std::io::Write;
    // A closed pipe ends the listener's interest, not the program.
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// One line on standard error.
fn complain(text: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Everything wrong, one point each.
fn complain_about(what: &str, wrong: &[String]) -> ExitCode {
    complain(what);
    for point in wrong {
        complain(&format!("  • {point}"));
    }
    ExitCode::FAILURE
}

/// The asynchronous part of a command. TLS has one provider, chosen before anything can ask for it.
fn block_on<F: Future<Output = ExitCode>>(work: F) -> ExitCode {
    // An error means that it was chosen before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
            code
        }
        Err(error) => {
            complain(&format!("This machine gives no threads: {error}"));
            ExitCode::FAILURE
        }
    }
}
