//! Whether people notice when AWS does not answer at all.

use crate::load::{finish, set_up};
use crate::stats::{ms, per_mille, percentile, say, short};
use crate::table::Table;
use crate::{Args, fresh};
use std::path::Path;
use sym::sandbox::aws::OperationTime;

/// Longer than any call to AWS is waited for.
const FOR_EVER_MS: u64 = 600_000;
const PEOPLE: usize = 50;

/// Measures and fills in the table.
pub(crate) async fn measure(args: &Args, parent: &Path, table: &mut Table) -> crate::Outcome<()> {
    let (scene, bot) = set_up(args, &fresh(parent, "hang")?).await?;
    scene.stage.aws.set_operation_time(OperationTime::Polls(0));
    // No card comes without an answer of AWS, so those that are decided about are there before it hangs.
    let each = args.cycles(2000).div_ceil(PEOPLE);
    let hangs = || scene.stage.aws.latency(FOR_EVER_MS);
    let (acks, failures) = scene.ask_twice(PEOPLE, each, hangs).await;
    for failure in failures.iter().take(10) {
        say(&format!("  while AWS hangs: {failure}"))?;
    }
    scene.stage.aws.latency(0);
    finish(&scene, bot).await?;
    let [p50, p999] = [percentile(&acks, 50), per_mille(&acks, 999)].map(|time| short(ms(time)));
    let slowest = acks.iter().max().copied().unwrap_or_default();
    table.row(
        &format!("envelope → acknowledgement while AWS hangs, people at once: {PEOPLE}"),
        &format!(
            "p50 {p50} ms, p99.9 {p999} ms, slowest {} ms ({} acknowledgements, {} failures)",
            short(ms(slowest)),
            acks.len(),
            failures.len(),
        ),
        "3 s",
    );
    Ok(())
}
