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
    for claims in args.claims() {
        full(args, &folder, claims, table).await?;
    }
    Ok(())
}

/// With so many live claims.
async fn full(args: &Args, folder: &Path, claims: usize, table: &mut Table) -> crate::Outcome<()> {
    let data = fresh(folder, "data")?;
    let begin = Instant::now();
    let size = books::fill(&data, claims).await?;
    let a_claim = size / claims.max(1) as u64;
    say(&format!(
        "filled the books with {claims} claims in {:?}: {} on disk",
        begin.elapsed(),
        memory(size)
    ))?;
    // The first start after much was written reads all of it; the later ones go on from there.
    let (first, _) = start(args, folder).await?;
    let (mut times, mut resident) = (Vec::new(), 0);
    for _ in 0..args.rounds() {
        let (time, bytes) = start(args, folder).await?;
        times.push(time);
        resident = resident.max(bytes);
    }
    say(&format!("starts with full books: {first} ms, then {times:?} ms"))?;
    let measured = format!("{} ms ({} ms after the filling)", short(median(&times)), short(first));
    table.row(&format!("start → Slack's hello, {claims} live claims"), &measured, "3 s");
    table.row(&format!("memory, idle with {claims} live claims"), &memory(resident), "300 MB");
    let measured = format!("{} ({a_claim} bytes a claim)", memory(size));
    table.row(&format!("books of {claims} live claims on disk"), &measured, "–");
    let looked = books::look(&data).await?;
    let measured = format!("first {} ms, then {} ms", short(ms(looked.first)), short(ms(looked.then)));
    table.row(&format!("finding what is due among {claims} live claims"), &measured, "5 ms");
    let measured = format!("{} s, beside the work", short(looked.proven.as_secs_f64()));
    table.row(&format!("reading all books of {claims} live claims for a proof"), &measured, "–");
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
