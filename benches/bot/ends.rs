//! How long access lasts beyond its end: from `ends_at` to the moment at which the bot has seen it gone
//! and has that on record. Both are read from the bot's own books, so nothing else is measured.

use crate::books::{Seed, live};
use crate::driver::Scene;
use crate::flows::{self, INSTANCE};
use crate::load::finish;
use crate::process::{Process, Start};
use crate::stats::{ms, percentile, say, short};
use crate::table::Table;
use crate::{Args, fresh};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use sym::access::{EntitlementId, Principal, Span, Timestamp};
use sym::clock::Clock;
use sym::sandbox::aws::OperationTime;
use sym::store::{Commit, Store};
use tokio::time::Instant;

/// Too short for a warning beforehand.
const DURATION: Span = Span::minutes(10);
/// From the filling of the books to the first end.
const NOTICE: Span = Span::seconds(6);
/// Longer than the slowest of all takes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Measures and fills in the table.
pub(crate) async fn measure(args: &Args, parent: &Path, table: &mut Table) -> crate::Outcome<()> {
    let (few, many) = if args.quick { (20, 50) } else { (240, 500) };
    let apart = Span::millis(500);
    let kinds = [
        (format!("{few} ends, two a second"), few, apart, true, "p99 1.5 s"),
        (format!("{many} ends at once, AWS's quotas off"), many, Span::millis(0), false, "–"),
        (format!("{many} ends at once, within AWS's quotas"), many, Span::millis(0), true, "–"),
    ];
    for (what, count, apart, quotas, aim) in kinds {
        let delays = delays(args, &fresh(parent, "ends")?, count, apart, quotas).await?;
        let [p50, p99] = [50, 99].map(|percent| short(ms(percentile(&delays, percent))));
        let last = delays.iter().max().copied().unwrap_or_default();
        let measured = format!("p50 {p50} ms, p99 {p99} ms, last {} ms", short(ms(last)));
        table.row(&format!("`ends_at` → seen absent: {what}"), &measured, aim);
    }
    Ok(())
}

async fn delays(
    args: &Args,
    folder: &Path,
    count: usize,
    apart: Span,
    quotas: bool,
) -> crate::Outcome<Vec<Duration>> {
    let scene = Scene::build(folder).await?;
    scene.stage.aws.set_operation_time(OperationTime::Polls(0));
    let ends = seed(&scene, &fresh(folder, "data")?, count, apart).await?;
    let mut bot = Process::start(&scene.stage, &Start { folder, wrap: &args.wrap, quotas })?;
    scene.hello().await?;
    bot.find_under_wrapper(&args.wrap);
    let begin = Instant::now();
    while !scene.stage.aws.assignments().is_empty() {
        if begin.elapsed() > PATIENCE {
            return Err("access is still there".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // The last proof, and the messages.
    tokio::time::sleep(Duration::from_secs(3)).await;
    finish(&scene, bot).await?;
    read(&folder.join("data"), &ends)
}

/// Makes up claims that end soon, in the books and in AWS.
async fn seed(
    scene: &Scene,
    data: &Path,
    count: usize,
    apart: Span,
) -> crate::Outcome<BTreeMap<EntitlementId, Timestamp>> {
    let identity_store_id = scene.stage.store_of(INSTANCE).ok_or("there is no identity store")?;
    let people: Vec<(&str, &str)> = scene.people().collect();
    let wishes = flows::wishes();
    let pairs = wishes.iter().flat_map(|wish| people.iter().map(move |person| (wish, person)));
    let first = Clock::System.now() + NOTICE;
    let store = Store::open(data)?;
    let mut ends = BTreeMap::new();
    let mut commit = Commit { at: first, ..Commit::default() };
    let mut end = first;
    for (number, (wish, (user, sso_user))) in pairs.take(count).enumerate() {
        let seed = Seed {
            id: format!("ends{number:08}"),
            user: (*user).to_owned(),
            principal: Principal::SsoUser {
                identity_store_id: identity_store_id.to_owned(),
                user_id: (*sso_user).to_owned(),
            },
            flow: wish.flow.clone(),
            label: wish.label.clone(),
            account: wish.account.clone(),
            permission_set: wish.permission_set.clone(),
            duration: DURATION,
        };
        let (case, audit) = live(&seed, end - DURATION)?;
        ends.extend(case.entitlement.as_ref().map(|held| (held.id.clone(), end)));
        commit.requests.extend(case.requests.into_values());
        commit.entitlements.extend(case.entitlement);
        commit.audit.extend(audit);
        scene.stage.aws.assign(INSTANCE, &wish.permission_set, &wish.account, sso_user);
        end = end + apart;
    }
    store.commit(commit)?.on_disk().await?;
    if ends.len() == count { Ok(ends) } else { Err("two claims are for the same access".into()) }
}

/// What the books say about the ends.
fn read(data: &Path, ends: &BTreeMap<EntitlementId, Timestamp>) -> crate::Outcome<Vec<Duration>> {
    let store = Store::open(data)?;
    let mut delays = Vec::new();
    for kept in store.trail(None, None) {
        let record = kept?.record;
        let Some(end) = record.entitlement.as_ref().and_then(|id| ends.get(id)) else { continue };
        if record.action == "custody_absent" {
            let late = u64::try_from(record.at.since(*end).as_millis());
            delays.push(Duration::from_millis(late.map_err(|_| "access ended before its time")?));
        }
    }
    if delays.len() != ends.len() {
        say(&format!("{} of {} ends are on record", delays.len(), ends.len()))?;
    }
    Ok(delays)
}
