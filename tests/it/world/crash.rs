//! The power goes out at an outgoing call.
//!
//! Every call of the bot, to Slack and to AWS, is counted at the simulated worlds' gates. At the n-th
//! one the world is cut off, on one side or the other of the call's effect, and the bot's files are
//! copied as they are at that very moment. Then the bot's whole runtime is dropped where it stands, and
//! the next bot starts on the copy: it knows what was in its files when the call went out, and nothing
//! of what came after.

use super::{World, catalog};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use sym::sandbox::aws::CutSide;
use sym::sandbox::slack::Gate;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

/// Where the files of short-lived bots are: in memory, where there is such a place.
fn new_folder() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// A cut at one call.
pub(crate) struct Cut {
    at: u32,
    side: CutSide,
    data: PathBuf,
    seen: AtomicU32,
    is_off: AtomicBool,
    copy: Mutex<Option<TempDir>>,
    happened: Notify,
    last: Mutex<String>,
}

impl Cut {
    /// On which side of its effect a call is lost, if it is.
    fn judge(&self, call: &str) -> Option<CutSide> {
        if self.is_off.load(Ordering::SeqCst) {
            return Some(CutSide::Before);
        }
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 < self.at {
            return None;
        }
        if self.is_off.swap(true, Ordering::SeqCst) {
            return Some(CutSide::Before);
        }
        call.clone_into(&mut self.last.lock().unwrap());
        *self.copy.lock().unwrap() = Some(copy_of(&self.data));
        self.happened.notify_one();
        Some(self.side)
    }

    /// The call at which the world was cut off; empty while it was not.
    pub(crate) fn call(&self) -> String {
        self.last.lock().unwrap().clone()
    }
}

/// The files of a bot as they are now. The witness first: it never runs ahead of the store.
pub(crate) fn copy_of(data: &Path) -> TempDir {
    let copy = new_folder();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        fs::create_dir_all(copy.path().join(&folder)).unwrap();
        for entry in fs::read_dir(data.join(&folder)).unwrap() {
            let name = folder.join(entry.unwrap().file_name());
            let from = data.join(&name);
            if from.is_dir() {
                folders.push(name);
            } else if !from.is_file() {
                // The socket for operators, or renamed away in the meantime.
            } else if let Err(error) = fs::copy(&from, copy.path().join(&name)) {
                // Renamed away in the meantime.
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
            }
        }
    }
    copy
}

/// A runtime on its own thread, for the simulated worlds: they go on while bots come and go.
pub(crate) fn outside() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A bot's whole life: dropped, everything it was doing ends there.
fn life() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

impl World {
    /// A world whose Slack and AWS live outside of the bot's runtime.
    pub(crate) fn outlasting(outside: &Runtime, manifests: &str) -> Self {
        let mut world = outside.block_on(Self::asleep(catalog::load(Path::new(manifests))));
        world.data = new_folder();
        world
    }

    /// The folder with the books.
    pub(crate) fn data(&self) -> &Path {
        self.place.as_deref().unwrap_or(self.data.path())
    }

    /// Starts the bot and plays a story until the n-th outgoing call; there, everything stops. Says
    /// whether the cut was reached.
    pub(crate) fn play_until(
        &mut self,
        at: u32,
        side: CutSide,
        story: impl AsyncFnOnce(&World),
    ) -> Option<String> {
        let cut = Arc::new(Cut {
            at,
            side,
            data: self.data.path().to_owned(),
            seen: AtomicU32::new(0),
            is_off: AtomicBool::new(false),
            copy: Mutex::new(None),
            happened: Notify::new(),
            last: Mutex::default(),
        });
        let gate = Arc::clone(&cut);
        self.aws().set_gate(Arc::new(move |call| gate.judge(call)));
        let gate = Arc::clone(&cut);
        self.slack().set_gate(Arc::new(move |call| match gate.judge(call) {
            None => Gate::Pass,
            Some(CutSide::Before) => Gate::DropBefore,
            Some(CutSide::After) => Gate::DropAfter,
        }));
        let life = life();
        life.block_on(async {
            tokio::select! {
                biased;
                () = cut.happened.notified() => {}
                () = async { self.start().await; story(self).await } => {}
            }
        });
        let copy = cut.copy.lock().unwrap().take();
        let was_cut = copy.is_some();
        // Where the story ran through, the power goes out at its end.
        let copy = copy.unwrap_or_else(|| copy_of(self.data.path()));
        // Nothing is finished, nothing is said: the bot is gone.
        drop(self.bot.take());
        drop(life);
        self.aws().clear_gate();
        self.slack().set_gate(Arc::new(|_| Gate::Pass));
        self.data = copy;
        was_cut.then(|| cut.call())
    }

    /// Starts the bot and plays a story until its disk is asked for more than `commits` commits. From
    /// then on the disk takes its time: the bot does whatever it does without it, and then the power
    /// goes out. Says whether the story came so far.
    pub(crate) fn play_until_commit(&mut self, commits: u64, story: impl AsyncFnOnce(&World)) -> bool {
        let life = life();
        let (copy, was_cut) = life.block_on(async {
            self.start().await;
            let held = self.engine().store().hold_after(commits);
            let was_cut = tokio::select! {
                biased;
                () = held.withholds() => true,
                () = story(self) => false,
            };
            let copy = copy_of(self.data.path());
            // Whoever does not wait for the disk gets far in the time of so many ways there and back.
            let meanwhile = async {
                for _ in 0..25 {
                    self.engine().slack().auth_test().await.unwrap();
                }
            };
            tokio::select! {
                () = meanwhile => {}
                () = self.engine().settle() => {}
            }
            (copy, was_cut)
        });
        drop(self.bot.take());
        drop(life);
        self.data = copy;
        was_cut
    }

    /// Plays a part of a story with a bot of its own, whose life ends with it.
    pub(crate) fn play(&mut self, story: impl AsyncFnOnce(&World)) {
        let life = life();
        life.block_on(async {
            self.start().await;
            story(self).await;
        });
        drop(self.bot.take());
    }
}
