//! Measures the bot as it runs in production: the release binary as a process of its own, every step
//! flushed to disk, against the simulated Slack and AWS, which live in this process.
//!
//! `cargo bench --bench bot` prints a table in Markdown. `-- --quick` measures less and says less;
//! `-- --only load` (or `start`, `store`, `size`, `ends`, `hang`) measures one part; `-- --wrap 'perf record -o p.data'`
//! starts the bot under another program.
#![expect(clippy::cast_precision_loss, reason = "nothing counted here comes near to 2^52")]

mod books;
mod driver;
mod ends;
mod flows;
mod hang;
mod load;
mod machine;
mod process;
mod start;
mod stats;
mod table;

use clap::Parser;
use std::path::{Path, PathBuf};
use table::Table;

/// What came of it, or a sentence about what went wrong.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What can be said on the command line.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Cargo says this.
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure less: for trying out the bench itself.
    #[arg(long)]
    quick: bool,
    /// One part: `load`, `start`, `store`, `size`, `ends` or `hang`.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Start the bot under this program.
    #[arg(long, value_name = "PROGRAM ARGS", default_value = "")]
    wrap: String,
    /// How often each part is measured; the table has the medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Live claims in the books, each in turn; 10,000, 100,000 and 1,000,000 unless it is said.
    #[arg(long, value_delimiter = ',')]
    claims: Vec<usize>,
}

impl Args {
    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }

    /// A number of cycles, cut down where little is asked for.
    pub(crate) fn cycles(&self, full: usize) -> usize {
        if self.quick { full / 10 } else { full }
    }

    /// How many live claims there are, each in turn.
    pub(crate) fn claims(&self) -> Vec<usize> {
        match (self.claims.is_empty(), self.quick) {
            (false, _) => self.claims.clone(),
            (true, true) => vec![1000, 10_000],
            (true, false) => vec![10_000, 100_000, 1_000_000],
        }
    }

    /// How often to measure.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.max(1) }
    }
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    // An error means that it was chosen before, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&args))
}

async fn measure(args: &Args) -> Outcome<()> {
    let folder = tempfile::Builder::new().prefix("sym-bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut table = Table::default();
    if args.wants("size") {
        table.row("size of the binary", &size()?, "30 MB");
    }
    if args.wants("load") {
        load::measure(args, folder.path(), &mut table).await?;
    }
    if args.wants("start") {
        start::measure(args, folder.path(), &mut table).await?;
    }
    if args.wants("ends") {
        ends::measure(args, folder.path(), &mut table).await?;
    }
    if args.wants("hang") {
        hang::measure(args, folder.path(), &mut table).await?;
    }
    if args.wants("store") {
        books::measure(args, folder.path(), &mut table).await?;
    }
    stats::say(&format!("\n{}\n{}\n", machine::description(folder.path())?, table.markdown()))
}

/// The bot's binary.
pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_sym"))
}

fn size() -> Outcome<String> {
    let bytes = std::fs::metadata(binary())?.len();
    Ok(format!("{} MB", stats::megabytes(bytes)))
}

/// A fresh folder inside another.
pub(crate) fn fresh(parent: &Path, name: &str) -> Outcome<PathBuf> {
    let folder = parent.join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
