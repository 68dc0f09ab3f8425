//! The bot as a process that can be killed.

use super::MANIFESTS;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use sym::demo::Stage;

const SYM: &str = env!("CARGO_BIN_EXE_sym");

/// A running bot; it is killed at the latest when this is dropped.
pub(super) struct Bot {
    child: Child,
    log: PathBuf,
}

impl Bot {
    pub(super) fn start(stage: &Stage, data: &Path) -> Self {
        let log = data.join("log");
        let child = Command::new(SYM)
            .args(["run", "--manifests", MANIFESTS, "--listen", "127.0.0.1:0", "--no-quotas", "--data"])
            .arg(data)
            .env_clear()
            .env("SYM_LOG", "warn")
            .env("SLACK_APP_TOKEN", stage.slack.app_token())
            .env("SLACK_BOT_TOKEN", stage.slack.bot_token())
            .env("SYM_SLACK_API_URL", stage.slack.api_url())
            .env("AWS_ENDPOINT_URL", stage.aws.endpoint())
            .env("AWS_ACCESS_KEY_ID", stage.access_key())
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .env("AWS_REGION", "us-east-1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .expect("the binary starts");
        Self { child, log }
    }

    /// SIGKILL. Returns when it is dead, with what it had complained about.
    pub(super) fn kill(mut self) -> String {
        assert_eq!(self.child.try_wait().unwrap(), None, "it died by itself:\n{}", self.complaints());
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.complaints()
    }

    /// SIGTERM. Returns when it has stopped.
    pub(super) fn terminate(&mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "{}", self.complaints());
        self.complaints()
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Another command of the binary; what it says.
pub(super) fn sym(arguments: &[&str]) -> String {
    let output = Command::new(SYM).args(arguments).env_clear().output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "sym {} failed:\n{said}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    said
}
