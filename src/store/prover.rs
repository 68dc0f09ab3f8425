//! Reads the rest of large books beside the work, and says whether they are whole.

use super::{Books, StoreError, index};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Rows in one go. Nobody commits meanwhile, so it is about a millisecond's worth.
const STEP: usize = 256;
/// Between two goes others may commit.
const PAUSE: Duration = Duration::from_micros(200);

/// Whether the rows are all there: not known yet, or known. An error is known for good.
type Proof = Result<bool, StoreError>;

/// Stops and is waited for when it is dropped.
#[derive(Debug)]
pub(super) struct Prover {
    proof: watch::Receiver<Proof>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Prover {
    /// The books were read whole before they were opened.
    pub(super) fn none() -> Self {
        Self { proof: watch::channel(Ok(true)).1, stop: Arc::default(), thread: None }
    }

    /// Reads on; calls `doom` when the books are not whole.
    pub(super) fn start(
        db: sled::Db,
        books: Arc<Books>,
        doom: impl FnOnce(&StoreError) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, proof) = watch::channel(Ok(false));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let work = move || {
            while !stopped.load(Ordering::Relaxed) {
                match step(&db, &books) {
                    Ok(true) => {
                        tracing::info!("every row of the books was read, and they add up");
                        drop(sender.send_replace(Ok(true)));
                        return;
                    }
                    Ok(false) => std::thread::sleep(PAUSE),
                    Err(error) => {
                        doom(&error);
                        drop(sender.send_replace(Err(error)));
                        return;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("sym-prover".to_owned()).spawn(work)?;
        Ok(Self { proof, stop, thread: Some(thread) })
    }

    /// Returns when the books have been read to their end.
    pub(super) async fn proven(&self) -> Result<(), StoreError> {
        let mut proof = self.proof.clone();
        match proof.wait_for(|proof| !matches!(proof, Ok(false))).await.as_deref() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.clone()),
            Err(_) => Err(StoreError::Poisoned("the store was closed".to_owned())),
        }
    }
}

impl Drop for Prover {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// One part; whether it was the last.
fn step(db: &sled::Db, books: &Books) -> Result<bool, StoreError> {
    let mut head = books.head();
    let mut place = books.survey();
    let Some(survey) = place.as_mut() else { return Ok(true) };
    survey.advance(db, STEP)?;
    if !survey.is_over() {
        return Ok(false);
    }
    survey.compare(head.sum)?;
    *head = index::mend(db, head.clone(), survey)?;
    *place = None;
    Ok(true)
}
