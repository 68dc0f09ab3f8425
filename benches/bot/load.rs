//! People at work: how fast the bot answers, how much it gets done, and what that costs.

use crate::driver::{Cycle, Run, Scene};
use crate::process::{Process, Start, cpu_of};
use crate::stats::{median, megabytes, ms, percentile, say, short};
use crate::table::Table;
use crate::{Args, fresh};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sym::sandbox::aws::OperationTime;

/// People at once, cycles, and the aims for the acknowledgement and for the form in milliseconds.
const CROWDS: [(usize, usize, &str, &str); 3] =
    [(1, 300, "1.5", "1.5"), (10, 1000, "6", "8"), (50, 2000, "20", "40")];

/// What one round found.
#[derive(Debug, Default)]
struct Round {
    /// For each crowd: p50 and p99 of the acknowledgement, p99 of the form, cycles per second.
    crowds: Vec<[f64; 4]>,
    /// The bot's processor seconds for 1,000 cycles: as fast as can be, and with AWS's usual delay.
    cpu: [f64; 2],
    /// The same for this process.
    own_cpu: f64,
    /// Cycles per second while AWS takes 50 ms: operations done at once, and after one poll.
    rate: [f64; 2],
    /// Memory in bytes: idle after the start, and at most.
    memory: [u64; 2],
}

/// Measures and fills in the table.
pub(crate) async fn measure(args: &Args, folder: &Path, table: &mut Table) -> crate::Outcome<()> {
    let mut rounds = Vec::new();
    for number in 0..args.rounds() {
        let round = round(args, folder).await?;
        say(&format!("load, round {}: {round:?}", number + 1))?;
        rounds.push(round);
    }
    let middle = |pick: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(pick).collect::<Vec<_>>());
    for (at, (people, _, ack, form)) in CROWDS.iter().enumerate() {
        let figure = |column: usize| middle(&|round| round.crowds[at][column]);
        table.row(
            &format!("envelope → acknowledgement, people at once: {people}"),
            &format!("p50 {} ms, p99 {} ms", short(figure(0)), short(figure(1))),
            &format!("p99 {ack} ms"),
        );
        table.row(
            &format!("slash command → form, people at once: {people}"),
            &format!("p99 {} ms (at {} cycles/s)", short(figure(2)), short(figure(3))),
            &format!("{form} ms"),
        );
    }
    let cpu = format!(
        "{} s ({} s when one poll is needed; Slack, AWS and the people: {} s)",
        short(middle(&|round| round.cpu[0])),
        short(middle(&|round| round.cpu[1])),
        short(middle(&|round| round.own_cpu)),
    );
    table.row("processor time of the bot for 1,000 cycles", &cpu, "0.6 s");
    let rate = format!(
        "{} ({} when AWS wants to be asked again)",
        short(middle(&|round| round.rate[0])),
        short(middle(&|round| round.rate[1]))
    );
    table.row("cycles per second, 50 people, AWS answering in 50 ms, quotas off", &rate, "250");
    let memory = |at: usize| {
        let bytes = middle(&|round| round.memory[at] as f64);
        format!("{} MB", short(bytes / 1e6))
    };
    table.row("memory, idle after the start", &memory(0), "30 MB");
    table.row("memory, peak after 50 people", &memory(1), "45 MB");
    Ok(())
}

async fn round(args: &Args, parent: &Path) -> crate::Outcome<Round> {
    let mut round = Round::default();
    let (scene, bot) = set_up(args, &fresh(parent, "load")?).await?;
    round.memory[0] = bot.resident()?;
    scene.stage.aws.set_operation_time(OperationTime::Polls(0));
    // What is looked up once is not what is measured.
    check(&scene.run(10, 120).await)?;
    for (people, cycles, ..) in CROWDS {
        let cycles = args.cycles(cycles);
        let (before, own) = (bot.cpu()?, cpu_of("self")?);
        let run = scene.run(people, cycles).await;
        check(&run)?;
        round.crowds.push(figures(&run));
        round.cpu[0] = (bot.cpu()? - before) / cycles as f64 * 1000.0;
        round.own_cpu = (cpu_of("self")? - own) / cycles as f64 * 1000.0;
    }
    round.memory[1] = bot.peak()?;
    finish(&scene, bot).await?;
    throughput(args, parent, &mut round).await?;
    Ok(round)
}

/// With an AWS that takes its time.
async fn throughput(args: &Args, parent: &Path, round: &mut Round) -> crate::Outcome<()> {
    for (at, polls) in [0, 1].into_iter().enumerate() {
        let (scene, bot) = set_up(args, &fresh(parent, "load")?).await?;
        scene.stage.aws.set_operation_time(OperationTime::Polls(polls));
        check(&scene.run(50, 120).await)?;
        scene.stage.aws.latency(50);
        let cycles = args.cycles(2000);
        let before = bot.cpu()?;
        let run = scene.run(50, cycles).await;
        check(&run)?;
        round.rate[at] = run.cycles.len() as f64 / run.took.as_secs_f64();
        round.cpu[1] = (bot.cpu()? - before) / cycles as f64 * 1000.0;
        let whole: Vec<Duration> = run.cycles.iter().map(|cycle| cycle.whole).collect();
        say(&format!("a cycle with {polls} polls takes {} ms (median)", short(ms(percentile(&whole, 50)))))?;
        finish(&scene, bot).await?;
    }
    Ok(())
}

/// A stage with a bot that is connected and has come to rest.
pub(crate) async fn set_up(args: &Args, folder: &Path) -> crate::Outcome<(Arc<Scene>, Process)> {
    let scene = Arc::new(Scene::build(folder).await?);
    let mut bot = Process::start(&scene.stage, &Start { folder, wrap: &args.wrap, quotas: false })?;
    scene.hello().await?;
    bot.find_under_wrapper(&args.wrap);
    tokio::time::sleep(Duration::from_secs(2)).await;
    Ok((scene, bot))
}

/// Stops the bot; what was wrong with it is said.
pub(crate) async fn finish(scene: &Scene, bot: Process) -> crate::Outcome<()> {
    for complaint in bot.stop().await?.iter().take(20) {
        say(&format!("the bot complained: {complaint}"))?;
    }
    for what in scene.unexpected().iter().take(20) {
        say(&format!("Slack or AWS would not have taken this: {what}"))?;
    }
    Ok(())
}

/// What failed is said, and does not end the measuring.
fn check(run: &Run) -> crate::Outcome<()> {
    if !run.failures.is_empty() {
        say(&format!("{} of {} cycles failed", run.failures.len(), run.failures.len() + run.cycles.len()))?;
    }
    run.failures.iter().take(10).try_for_each(|failure| say(&format!("  {failure}")))
}

fn figures(run: &Run) -> [f64; 4] {
    let acks: Vec<Duration> = run.cycles.iter().flat_map(|cycle| cycle.acks).collect();
    let forms: Vec<Duration> = run.cycles.iter().map(|cycle: &Cycle| cycle.form).collect();
    [
        ms(percentile(&acks, 50)),
        ms(percentile(&acks, 99)),
        ms(percentile(&forms, 99)),
        run.cycles.len() as f64 / run.took.as_secs_f64(),
    ]
}

/// Bytes as text, for the other parts.
pub(crate) fn memory(bytes: u64) -> String {
    format!("{} MB", megabytes(bytes))
}
