//! Reads the rest of large books beside the work, and says whether they are whole.

use super::{Books, StoreError, index};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;

/// Rows in one go. Nobody commits meanwhile, so it is about a millisecond's worth.
pub(super) const STEP: usize = 256;
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
        let work = move || match prove(&db, &books, &stopped) {
            Ok(true) => {
                tracing::info!("every row of the books was read, and they add up");
                drop(sender.send_replace(Ok(true)));
            }
            // It was told to stop.
            Ok(false) => {}
            Err(error) => {
                doom(&error);
                drop(sender.send_replace(Err(error)));
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

/// Reads to the end and mends what is due; whether it came so far.
fn prove(db: &sled::Db, books: &Books, stopped: &AtomicBool) -> Result<bool, StoreError> {
    let is_stopped = || stopped.load(Ordering::Relaxed);
    let is_index_right = loop {
        if is_stopped() {
            return Ok(false);
        }
        if let Some(is_index_right) = step(db, books)? {
            break is_index_right;
        }
        std::thread::sleep(PAUSE);
    };
    if is_index_right {
        return Ok(true);
    }
    // All rows are read again, without keeping anybody from committing; what commits have put right
    // meanwhile is seen when it is looked at again.
    let wrong = index::wrong(db)?;
    for part in wrong.chunks(STEP) {
        if is_stopped() {
            return Ok(false);
        }
        let mut head = books.head();
        *head = index::mend(db, head.clone(), part)?;
        drop(head);
        std::thread::sleep(PAUSE);
    }
    Ok(true)
}

/// Reads one part. After the last one: whether what is due is right, when the rows add up.
fn step(db: &sled::Db, books: &Books) -> Result<Option<bool>, StoreError> {
    let head = books.head();
    let mut place = books.survey();
    let Some(survey) = place.as_mut() else { return Ok(Some(true)) };
    survey.advance(db, STEP)?;
    if !survey.is_over() {
        return Ok(None);
    }
    survey.compare(head.sum)?;
    let is_index_right = survey.is_index_right();
    *place = None;
    Ok(Some(is_index_right))
}
