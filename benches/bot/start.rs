//! How long the bot takes to be there, with empty books and with full ones.

use crate::books;
use crate::driver::Scene;
use crate::load::memory;
use crate::process::{Process, Start};
use crate::stats::{median, ms, say, short};
use crate::table::Table;
use crate::{Args, fresh};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Measures and fills in the table.
pub(crate) async fn measure(args: &Args, parent: &Path, table: &mut Table) -> crate::Outcome<()> {
    let folder = fresh(parent, "start")?;
    let mut times = Vec::new();
    for _ in 0..=args.rounds() * 2 {
        fresh(&folder, "data")?;
        times.push(start(args, &folder).await?.0);
    }
    table.row("start → Slack's hello, empty books", &format!("{} ms", short(median(&times))), "100 ms");
    let data = fresh(&folder, "data")?;
    let begin = Instant::now();
    let size = books::fill(&data, args.claims).await?;
    say(&format!(
        "filled the books with {} claims in {:?}: {} on disk",
        args.claims,
        begin.elapsed(),
        memory(size)
    ))?;
    let (mut times, mut resident) = (Vec::new(), 0);
    for _ in 0..args.rounds() {
        let (time, bytes) = start(args, &folder).await?;
        times.push(time);
        resident = resident.max(bytes);
    }
    say(&format!("starts with full books: {times:?} ms"))?;
    let what = format!("start → Slack's hello, {} live claims", args.claims);
    table.row(&what, &format!("{} ms", short(median(&times))), "2 s");
    table.row(&format!("memory, idle with {} live claims", args.claims), &memory(resident), "–");
    table.row(&format!("books of {} live claims on disk", args.claims), &memory(size), "–");
    Ok(())
}

/// Starts a bot and stops it; returns milliseconds to the hello and its memory when it rests.
async fn start(args: &Args, folder: &Path) -> crate::Outcome<(f64, u64)> {
    let scene = Scene::build(folder).await?;
    let begin = Instant::now();
    let mut bot = Process::start(&scene.stage, &Start { folder, wrap: &args.wrap, quotas: true })?;
    let hello = scene.hello().await?;
    bot.find_under_wrapper(&args.wrap);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let resident = bot.resident()?;
    crate::load::finish(&scene, bot).await?;
    Ok((ms(hello.duration_since(begin)), resident))
}
