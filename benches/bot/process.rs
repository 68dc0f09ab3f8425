//! The bot as a process, and what the kernel says about it.

use crate::binary;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use sym::aws::BaseCredentials;
use sym::clock::Clock;
use sym::demo::Stage;

/// Ticks of the kernel in a second, on every Linux there is.
const TICKS: f64 = 100.0;

/// A running bot. It ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The bot's own number, which is not the child's under a wrapper.
    id: u32,
    log: PathBuf,
}

/// How a bot is started.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    /// With the manifest, the books and the log.
    pub(crate) folder: &'a Path,
    /// Started under this program, unless it is empty.
    pub(crate) wrap: &'a str,
    /// Whether AWS's quotas are kept.
    pub(crate) quotas: bool,
}

impl Process {
    /// Starts `sym run` against a stage.
    pub(crate) fn start(stage: &Stage, start: &Start<'_>) -> crate::Outcome<Self> {
        let BaseCredentials::Static { access_key_id, secret_access_key } =
            stage.aws_settings(&Clock::System).credentials
        else {
            return Err("the stage gives no credentials".into());
        };
        let binary = binary();
        let mut words = start.wrap.split_whitespace();
        let mut command = match words.next() {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(words).arg(&binary);
                command
            }
            None => Command::new(&binary),
        };
        let log = start.folder.join("log");
        command.arg("run").arg("--data").arg(start.folder.join("data"));
        command.arg("--manifests").arg(start.folder.join("manifests"));
        command.args(["--listen", "127.0.0.1:0"]);
        if !start.quotas {
            command.arg("--no-quotas");
        }
        command.env_clear().env("PATH", "/usr/bin:/bin").env("SYM_LOG", "warn");
        command.env("SLACK_APP_TOKEN", stage.slack.app_token());
        command.env("SLACK_BOT_TOKEN", stage.slack.bot_token());
        command.env("SYM_SLACK_API_URL", stage.slack.api_url());
        command.env("AWS_ENDPOINT_URL", stage.aws.endpoint()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", access_key_id);
        command.env("AWS_SECRET_ACCESS_KEY", secret_access_key);
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let child = command.spawn()?;
        let id = child.id();
        Ok(Self { child, id, log })
    }

    /// Under a wrapper, the bot itself is the wrapper's child.
    pub(crate) fn find_under_wrapper(&mut self, wrap: &str) {
        if wrap.is_empty() {
            return;
        }
        let children = format!("/proc/{0}/task/{0}/children", self.child.id());
        let first = std::fs::read_to_string(children).unwrap_or_default();
        if let Some(id) = first.split_whitespace().next().and_then(|id| id.parse().ok()) {
            self.id = id;
        }
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn cpu(&self) -> crate::Outcome<f64> {
        cpu_of(&self.id.to_string())
    }

    /// Memory in use now, in bytes.
    pub(crate) fn resident(&self) -> crate::Outcome<u64> {
        self.status("VmRSS:")
    }

    /// The most memory ever in use, in bytes.
    pub(crate) fn peak(&self) -> crate::Outcome<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, key: &str) -> crate::Outcome<u64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.id))?;
        let line = text.lines().find_map(|line| line.strip_prefix(key)).ok_or("the kernel does not say")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes * 1024)
    }

    /// Asks it to stop, and waits until it has; says what it complained about.
    pub(crate) async fn stop(mut self) -> crate::Outcome<Vec<String>> {
        let asked = Command::new("kill").args(["-TERM", &self.id.to_string()]).status()?;
        let mut left = if asked.success() { 600 } else { 0 };
        while self.child.try_wait()?.is_none() {
            if left == 0 {
                self.child.kill()?;
                self.child.wait()?;
                return Err("the bot did not stop in a minute".into());
            }
            left -= 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        complaints(&self.log)
    }
}

/// Nobody may be left behind by a bench that fails.
impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // It may have ended just now.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Processor time of a process, in seconds: user and system.
pub(crate) fn cpu_of(id: &str) -> crate::Outcome<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in parentheses may contain anything.
    let rest = text.rsplit_once(')').ok_or("the kernel does not say")?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).ok_or("the kernel does not say")?;
    Ok((user + system) / TICKS)
}

/// The log's sentences, each with how often it came.
fn complaints(log: &Path) -> crate::Outcome<Vec<String>> {
    let text = std::fs::read_to_string(log)?;
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let said = serde_json::from_str::<serde_json::Value>(line).ok().map(|line| {
            let part = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", part("level"), part("message"), part("error"))
        });
        *counted.entry(said.unwrap_or_else(|| line.to_owned())).or_default() += 1;
    }
    Ok(counted.into_iter().map(|(line, count)| format!("{count} × {line}")).collect())
}
