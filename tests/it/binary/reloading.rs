//! The manifests of a bot that runs, changed under it.

use super::{Process, STORIES, stage};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use sym::demo::Stage;

/// No story waits as long: what is waited for comes in moments, or never.
const NEVER: Duration = Duration::from_mins(1);

/// A folder with the stories' flows, and a module beside it.
struct Folders {
    dir: tempfile::TempDir,
}

impl Folders {
    fn new() -> Self {
        let this = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir_all(this.path("flows")).unwrap();
        fs::create_dir_all(this.path("shared")).unwrap();
        this.write("flows/stories.hcl", &stories());
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn flows(&self) -> String {
        self.path("flows").display().to_string()
    }
}

fn stories() -> String {
    fs::read_to_string(Path::new(STORIES).join("stories.hcl")).unwrap()
}

/// What the error channel has been told, the last thing last.
fn told(stage: &Stage) -> Vec<String> {
    let channel = stage.channel("sym-errors").unwrap();
    let bo = &stage.player("bo").unwrap().user;
    stage.slack.messages(channel).iter().map(|message| stage.slack.shown(bo, message)).collect()
}

/// The flows' form as Ana sees it.
async fn form(stage: &Stage) -> String {
    let ana = &stage.player("ana").unwrap().user;
    let general = stage.channel("general").unwrap();
    assert!(stage.slack.command(ana, general, "/sym", "request aws").await.unwrap().acked);
    let view = stage.slack.until(NEVER, |slack| slack.view(ana)).await.expect("a form is open");
    let shown = stage.slack.shown_view(&view);
    stage.slack.close(ana, &view.id).await.unwrap();
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_reads_the_manifests_again_and_broken_ones_change_nothing() {
    let (stage, folders, data) = (stage().await, Folders::new(), tempfile::tempdir().unwrap());
    let mut process = tokio::task::block_in_place(|| {
        let mut process = Process::start_with(&stage, data.path(), &["--manifests", &folders.flows()]);
        process.wait_for("\"ready\"");
        process
    });
    let is_as_before = |form: &str| form.contains("Prod admin") && !form.contains("Production");
    assert!(is_as_before(&form(&stage).await));

    folders.write(
        "flows/stories.hcl",
        &stories().replace("\"2h\"", "\"2 h\"").replace("Prod admin", "Production"),
    );
    let line = tokio::task::block_in_place(|| {
        process.signal("-HUP");
        process.wait_for("the manifests do not load")
    });
    assert!(line.contains("`2 h` is not a duration") && line.contains("stories.hcl:149"), "{line}");
    let heard = stage.slack.until(NEVER, |_| told(&stage).first().cloned()).await.expect("the channel hears");
    assert!(
        heard.contains("the last good ones stay in force") && heard.contains("stories.hcl:149"),
        "{heard}"
    );
    assert!(is_as_before(&form(&stage).await));

    folders.write("flows/stories.hcl", &stories().replace("Prod admin", "Production"));
    tokio::task::block_in_place(|| {
        process.signal("-HUP");
        process.wait_for("the manifests have changed and are in force")
    });
    let heard = stage.slack.until(NEVER, |_| told(&stage).get(1).cloned()).await.expect("the channel hears");
    assert!(heard.contains("in force"), "{heard}");
    let after = form(&stage).await;
    assert!(after.contains("Production") && !after.contains("Prod admin"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_bot_notices_modules_elsewhere_and_what_terraform_knows() {
    let (stage, folders, data) = (stage().await, Folders::new(), tempfile::tempdir().unwrap());
    let text = stories()
        .replace("\"Prod admin\"", "module.shared.label")
        .replace("\"Read only\"", "aws_ssoadmin_permission_set.reader.name");
    assert!(text.contains("module.shared") && text.contains("aws_ssoadmin"));
    folders.write("flows/stories.hcl", &text);
    folders.write("flows/module.tf", "module \"shared\" {\n  source = \"../shared\"\n}\n");
    folders.write("shared/main.tf", "output \"label\" {\n  value = \"Prod admin\"\n}\n");
    let known = |label: &str| {
        format!(
            r#"{{"format_version":"1.0","values":{{"root_module":{{"resources":[{{"mode":"managed","type":"aws_ssoadmin_permission_set","name":"reader","address":"aws_ssoadmin_permission_set.reader","values":{{"name":"{label}"}}}}]}}}}}}"#
        )
    };
    folders.write("state.json", &known("Read only"));
    let terraform = folders.path("state.json").display().to_string();
    let arguments = ["--watch", "--manifests", &folders.flows(), "--terraform", &terraform];
    let mut process = tokio::task::block_in_place(|| {
        let mut process = Process::start_with(&stage, data.path(), &arguments);
        process.wait_for("\"ready\"");
        process
    });
    let in_force = "the manifests have changed and are in force";
    folders.write("shared/main.tf", "output \"label\" {\n  value = \"Production\"\n}\n");
    tokio::task::block_in_place(|| process.wait_for(in_force));
    assert!(form(&stage).await.contains("Production"));
    folders.write("state.json", &known("Only reading"));
    tokio::task::block_in_place(|| process.wait_for(in_force));
    assert!(form(&stage).await.contains("Only reading"));
    // And broken ones change nothing here either.
    folders.write("shared/main.tf", "output \"label\" {\n  value = \"Pro\n}\n");
    let line = tokio::task::block_in_place(|| process.wait_for("the manifests do not load"));
    assert!(line.contains("main.tf:2:11"), "{line}");
    assert!(form(&stage).await.contains("Production"));
}
