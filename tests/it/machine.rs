//! The machine fails: the disk is full, the store is damaged, newer or gone, and the bot is told to stop
//! while people click. In the words of the binary.

use crate::binary::{Process, command, stage, text};
use crate::world::values;
use std::fs::{self, OpenOptions};
use std::io::Read;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use sym::demo::Stage;
use sym::sandbox::slack::Slack;
use tempfile::TempDir;
use tokio::task::block_in_place;

/// A folder with books that have something in them.
fn books() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/store/v1-store"), folder.path());
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A bot that does not start.
fn refused(stage: &Stage, data: &Path) -> String {
    let output: Output = block_in_place(|| command(stage, data, &["timeout", "30"]).output().unwrap());
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let said = text(&output.stderr).replace(&*data.to_string_lossy(), "DATA");
    let sentence = said.lines().find(|line| line.contains('•')).unwrap_or_else(|| panic!("{said}"));
    sentence.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_cannot_be_trusted_are_refused_with_what_to_do_and_left_as_they_are() {
    let stage = stage().await;

    let lost = books();
    fs::remove_dir_all(lost.path().join("store")).unwrap();
    insta::assert_snapshot!(refused(&stage, lost.path()), @"• the store in DATA has lost 36 of 36 commits, so it may have forgotten access that it owes to remove. Restore a backup; or, if you accept the loss, delete DATA/witness and start again");

    let cut = books();
    let db = cut.path().join("store/db");
    OpenOptions::new().write(true).open(&db).unwrap().set_len(0).unwrap();
    insta::assert_snapshot!(refused(&stage, cut.path()), @"• the store in DATA has lost 36 of 36 commits, so it may have forgotten access that it owes to remove. Restore a backup; or, if you accept the loss, delete DATA/witness and start again");
    assert!(db.exists());

    let strange = books();
    fs::write(strange.path().join("witness"), "nothing that makes sense").unwrap();
    insta::assert_snapshot!(refused(&stage, strange.path()), @"• the witness file DATA/witness cannot be read: it is not a name and a number. It tells how far the store beside it had come. If you are sure that the store is whole, delete the file and start again");
    assert_eq!(fs::read_to_string(strange.path().join("witness")).unwrap(), "nothing that makes sense");

    let newer = books();
    {
        let db = sled::open(newer.path().join("store")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "this is what a newer bot would have written")]
        db.insert("m/version", &[99]).unwrap();
    }
    insta::assert_snapshot!(refused(&stage, newer.path()), @"• the store in DATA was written by a newer version of sym (format 99, this program reads 2). Run that version, or restore a backup made before the upgrade");

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let said = refused(&stage, &folder.path().join("file"));
    assert!(said.contains("DATA cannot be used") && said.contains("full or read-only"), "{said}");
    // No user may write there.
    let said = refused(&stage, Path::new("/proc/sym"));
    assert!(said.contains("DATA cannot be used") && said.contains("full or read-only"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn flipped_bytes_are_refused_in_words_and_nothing_is_deleted() {
    let stage = stage().await;
    for round in 1..6 {
        let flipped = books();
        let db = flipped.path().join("store/db");
        let mut bytes = fs::read(&db).unwrap();
        let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        for at in (0..written).skip(round).step_by(written / 40 + round) {
            bytes[at] ^= 0x55;
        }
        fs::write(&db, &bytes).unwrap();
        let said = refused(&stage, flipped.path());
        assert!(said.contains("is damaged") || said.contains("has lost") || said.contains("newer"), "{said}");
        assert!(said.contains("estore"), "what to do: {said}");
        assert!(db.exists() && flipped.path().join("witness").exists(), "nothing is deleted");
    }
    // The damage was to blame.
    block_in_place(|| {
        let whole = books();
        let mut process = Process::begin(command(&stage, whole.path(), &[]));
        process.wait_for("\"ready\"");
        process.terminate();
        assert!(process.child.wait().unwrap().success());
    });
}

/// Ana asks; what Slack shows her if it was not taken.
async fn asks(slack: &Slack, stage: &Stage, number: usize) -> Result<(), String> {
    let ana = &stage.player("ana").unwrap().user;
    let general = stage.channel("general").unwrap();
    let typed =
        slack.command(ana, general, "/sym", "request approval").await.map_err(|why| why.to_string())?;
    if !typed.acked {
        return Err("the command was not acknowledged".to_owned());
    }
    let opened = |slack: &Slack| slack.view(ana);
    let form = slack.until(Duration::from_secs(10), opened).await.ok_or("no form")?;
    let reply =
        slack.submit(ana, &form.id, values([("What", &format!("{number} {}", "x".repeat(200)))])).await;
    let reply = reply.map_err(|why| why.to_string())?;
    if slack.view(ana).is_some() {
        slack.close(ana, &form.id).await.map_err(|why| why.to_string())?;
    }
    match reply.errors().into_values().next() {
        Some(error) => Err(error),
        None if reply.acked => match &reply.payload["view"] {
            view if view.is_null() => Ok(()),
            view => Err(slack.render_text(&view["blocks"][0]["text"])),
        },
        None => Err("the form was not acknowledged".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_more_stops_the_bot_and_nothing_is_acknowledged_that_is_not_on_it() {
    let stage = stage().await;
    let slack = &stage.slack;
    let data = tempfile::tempdir().unwrap();
    // Files larger than this are refused, as a full disk refuses them.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 3072; exec \"$0\" \"$@\""];
    let mut process = block_in_place(|| {
        let mut process = Process::begin(command(&stage, data.path(), &limited));
        process.wait_for("\"ready\"");
        process
    });
    let mut taken = 0;
    let why = loop {
        match asks(slack, &stage, taken).await {
            Ok(()) => taken += 1,
            Err(why) => break why,
        }
        assert!(taken < 5_000, "the limit does not limit");
    };
    assert!(taken > 0, "{why}");
    let status = block_in_place(|| {
        process.wait_for("the books cannot be written any more, so the bot stops");
        let mut rest = String::new();
        process.log.read_to_string(&mut rest).unwrap();
        process.child.wait().unwrap()
    });
    assert_eq!(status.code(), Some(1), "whoever watches the bot starts it again");
    // There is room again.
    let mut process = block_in_place(|| {
        let mut process = Process::begin(command(&stage, data.path(), &[]));
        process.wait_for("\"ready\"");
        process
    });
    let posted = |slack: &Slack| {
        let cards = slack.messages(stage.channel("access-requests").unwrap());
        let has = |number: usize| {
            cards.iter().any(|card| card.blocks.to_string().contains(&format!("{number} xxx")))
        };
        (0..taken).all(has).then_some(())
    };
    slack.until(Duration::from_mins(1), posted).await.expect("every request that was taken is asked about");
    asks(slack, &stage, taken).await.unwrap();
    block_in_place(|| {
        process.terminate();
        assert!(process.child.wait().unwrap().success());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_runs_short_is_said_before_it_is_full_and_forgotten_when_there_is_room() {
    let stage = stage().await;
    // In memory nobody else's files come and go.
    let data = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
    let disk = rustix::fs::statvfs(data.path()).unwrap();
    let mib = 1024 * 1024;
    let keep = (disk.f_bavail * disk.f_frsize / mib).saturating_sub(160).to_string();
    let mut process = block_in_place(|| {
        let mut limited = command(&stage, data.path(), &[]);
        limited.args(["--keep-free", &keep]);
        let mut process = Process::begin(limited);
        process.wait_for("\"ready\"");
        assert!(process.get("/readyz").starts_with("HTTP/1.1 200"));
        process
    });
    asks(&stage.slack, &stage, 1).await.unwrap();
    let hog = data.path().join("hog");
    let file = fs::File::create(&hog).unwrap();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 256 * mib).unwrap();
    block_in_place(|| {
        process.wait_for("MiB left, so no new requests are taken; make room on it");
        let said = process.get("/readyz");
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("make room on it"), "{said}");
        assert!(process.get("/healthz").starts_with("HTTP/1.1 200"), "starting it again would not help");
    });
    let why = asks(&stage.slack, &stage, 2).await.unwrap_err();
    insta::assert_snapshot!(why, @"The disk of this bot is nearly full, so it takes no new requests. Tell the people who run it.");
    drop(file);
    fs::remove_file(&hog).unwrap();
    block_in_place(|| {
        process.wait_for("there is room on the disk again");
        assert!(process.get("/readyz").starts_with("HTTP/1.1 200"));
    });
    // It goes on by itself, a moment later at most.
    let mut tries = 0;
    while let Err(why) = asks(&stage.slack, &stage, 3).await {
        tries += 1;
        assert!(tries < 1000, "{why}");
    }
    block_in_place(|| process.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_people_ask_it_acknowledges_only_what_it_keeps_and_exits_well() {
    let stage = stage().await;
    let slack = &stage.slack;
    let data = tempfile::tempdir().unwrap();
    let mut process = block_in_place(|| {
        let mut process = Process::begin(command(&stage, data.path(), &[]));
        process.wait_for("\"ready\"");
        process
    });
    slack.ack_window(Duration::from_millis(500));
    let mut taken = Vec::new();
    for number in 0.. {
        if asks(slack, &stage, number).await.is_err() {
            break;
        }
        taken.push(number);
        if number == 5 {
            process.terminate();
        }
    }
    assert!(taken.len() > 5, "{taken:?}");
    let status = block_in_place(|| {
        let mut rest = String::new();
        process.log.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("stopped"), "{rest}");
        process.child.wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
    let mut process = block_in_place(|| {
        let mut process = Process::begin(command(&stage, data.path(), &[]));
        process.wait_for("\"ready\"");
        process
    });
    let posted = |slack: &Slack| {
        let cards = slack.messages(stage.channel("access-requests").unwrap());
        let has = |number: &usize| {
            cards.iter().any(|card| card.blocks.to_string().contains(&format!("{number} xxx")))
        };
        taken.iter().all(has).then_some(())
    };
    slack.until(Duration::from_secs(30), posted).await.expect("the next start goes on");
    block_in_place(|| process.terminate());
}
