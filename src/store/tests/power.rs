//! Power cuts: the store writes on a file system of its own in an image file, and the image is copied at a
//! random moment while the writer stands still. What had not been synced to that "disk" is not in the
//! copy. The copy is mounted, its journal is replayed, and the books are opened.
//!
//! Mounting needs root. Where it is not allowed, the everyday test says so on standard error, past the
//! capture of the test runner; the nightly tests fail.

use super::crash::{Child, assert_whole};
use super::*;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Large enough for sled and the journal, and quickly copied.
const IMAGE: u64 = 48 * 1024 * 1024;

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program} {}: {said}", arguments.join(" "))) }
}

/// An image that is mounted, until it is dropped.
struct Mounted<'a> {
    place: &'a str,
}

impl<'a> Mounted<'a> {
    fn new(image: &str, place: &'a str) -> Result<Self, String> {
        run("mount", &["-o", "loop", image, place]).map(|()| Self { place })
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily: sled's threads may hold a file for a moment longer than the store.
        drop(run("umount", &["--lazy", self.place]));
    }
}

/// What a power cut left.
struct Left {
    /// How many commits had been answered for before it.
    promised: u64,
    /// How many are there; the complaint when the books are not whole.
    found: Result<u64, String>,
}

/// The machine: a folder with the disk, the place where it is mounted, and the disk after a cut.
struct Machine {
    _folder: TempDir,
    disk: String,
    place: String,
    copy: String,
}

impl Machine {
    fn new() -> Result<Self, String> {
        let folder = folder();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let machine = Self { disk: path("disk"), place: path("place"), copy: path("copy"), _folder: folder };
        std::fs::create_dir(&machine.place).map_err(|error| error.to_string())?;
        machine.format()?;
        drop(Mounted::new(&machine.disk, &machine.place)?);
        Ok(machine)
    }

    fn format(&self) -> Result<(), String> {
        let file = File::create(&self.disk).and_then(|file| file.set_len(IMAGE));
        file.map_err(|error| error.to_string())?;
        run("mkfs.ext4", &["-q", "-F", &self.disk])
    }

    /// A writer works until the power goes out, and what is left is looked at. The disk is then the one
    /// that the cut has left.
    fn cut(&self, syncs: bool) -> Left {
        let mounted = Mounted::new(&self.disk, &self.place).unwrap();
        let data = Path::new(&self.place).join("data");
        let mut writer = Child::write(&data, syncs);
        let (promised, reader) = writer.follow();
        let pid = writer.0.id().to_string();
        // At work first, however slow the machine is; then any moment.
        let before = promised.load(Ordering::SeqCst);
        let goal = before + rand::random_range(1..150);
        for _ in 0..60_000 {
            if promised.load(Ordering::SeqCst) >= goal {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(rand::random_range(0..5_000)));
        run("kill", &["-STOP", &pid]).unwrap();
        while !is_stopped(&pid) {
            std::thread::yield_now();
        }
        run("cp", &["--sparse=always", &self.disk, &self.copy]).unwrap();
        writer.0.kill().unwrap();
        writer.0.wait().unwrap();
        reader.join().unwrap();
        drop(mounted);
        std::fs::rename(&self.copy, &self.disk).unwrap();

        let promised = promised.load(Ordering::SeqCst);
        assert!(promised >= goal, "the writer promised {promised} commits in a minute");
        let _mounted = Mounted::new(&self.disk, &self.place).unwrap();
        let found = catch_unwind(AssertUnwindSafe(|| {
            let found = assert_whole(&data, promised.checked_sub(1));
            let verdict = Store::open(&data).unwrap().verify().unwrap();
            assert_eq!((verdict.records, verdict.flaw), (found, None));
            found
        }));
        Left { promised, found: found.map_err(|panic| words(&*panic)) }
    }
}

fn is_stopped(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
}

/// Every other disk is a new one: young stores lost most.
fn cut_often(machine: &Machine, times: usize, syncs: bool) -> Vec<Left> {
    let cut = |number: usize| {
        if number.is_multiple_of(2) {
            machine.format().unwrap();
        }
        machine.cut(syncs)
    };
    let mut all = Vec::new();
    for number in 0..times {
        let left = cut(number);
        if left.found.is_err() {
            // Nobody goes on with such a disk.
            machine.format().unwrap();
        }
        all.push(left);
    }
    all
}

fn assert_nothing_is_lost(machine: &Machine, times: usize) {
    let cuts = cut_often(machine, times, true);
    let promised: u64 = cuts.iter().map(|left| left.promised).sum();
    for left in &cuts {
        assert!(left.found.is_ok(), "after {} promises: {:?}", left.promised, left.found);
    }
    println!("{times} power cuts, up to {promised} commits answered for, none lost");
}

/// The rig sees what it is there to see.
fn assert_that_sleds_word_is_not_enough(machine: &Machine, times: usize) {
    let cuts = cut_often(machine, times, false);
    let bad: Vec<_> = cuts.iter().filter_map(|left| left.found.as_ref().err()).collect();
    println!("without fdatasync {} of {times} power cuts lost promised commits or the books", bad.len());
    assert!(!bad.is_empty(), "{times} power cuts without fdatasync have lost nothing: is this rig blind?");
}

#[test]
fn nothing_promised_is_lost_when_the_power_goes_out() {
    let machine = match Machine::new() {
        Ok(machine) => machine,
        Err(why) => {
            let loud = format!("\n*** NO POWER WAS CUT: this machine mounts no image. {why}\n");
            std::io::stderr().write_all(loud.as_bytes()).unwrap();
            return;
        }
    };
    assert_nothing_is_lost(&machine, 6);
}

#[test]
#[ignore = "takes minutes and needs root: .ci/nightly names it"]
fn nothing_promised_is_lost_in_a_hundred_power_cuts() {
    assert_nothing_is_lost(&Machine::new().unwrap(), 100);
}

#[test]
#[ignore = "takes minutes and needs root: .ci/nightly names it"]
fn without_fdatasync_power_cuts_lose_what_was_promised() {
    assert_that_sleds_word_is_not_enough(&Machine::new().unwrap(), 50);
}
