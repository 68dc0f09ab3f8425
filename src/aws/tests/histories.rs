use super::*;
use crate::sandbox::aws::OperationTime;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Random lives of one assignment: faults on any call, a clock that jumps, grants that are given up
/// half-way, people who meddle by hand. Whatever happens: *revoked* is only said of what is gone and
/// stays gone, and in calm weather a revocation ends.
#[tokio::test]
async fn revoked_means_gone_in_every_history() {
    for seed in 0..40 {
        let bench = bench().await;
        let mut chance = StdRng::seed_from_u64(seed);
        bench.sandbox.absent_delete_succeeds(chance.random_bool(0.3));
        for _ in 0..4 {
            one_life(&bench, &mut chance, seed).await;
        }
        assert_eq!(bench.sandbox.unexpected(), Vec::<String>::new(), "seed {seed}");
    }
}

async fn one_life(bench: &Bench, chance: &mut StdRng, seed: u64) {
    let (ana, resource) = (sso_user(ANA), admin());
    let mut operation = None;
    for step in 0..chance.random_range(0..6) {
        weather(bench, chance);
        let answer = match &operation {
            Some(operation) => bench.poll_grant(&ana, &resource, operation).await,
            None => bench.grant(&ana, &resource, step > 0).await,
        };
        operation = match answer {
            Ok(Progress::Running(named)) => Some(named),
            Err(error) if !error.ends_operation() => operation,
            Ok(Progress::Done) | Err(_) => None,
        };
    }
    let mut operation = None;
    for step in 0.. {
        if step > 12 {
            calm(bench);
        } else {
            weather(bench, chance);
        }
        assert!(step < 30, "seed {seed}: a revocation that does not end");
        let answer = match &operation {
            Some(operation) => bench.poll_revoke(&ana, &resource, operation).await,
            None => bench.revoke(&ana, &resource).await,
        };
        operation = match answer {
            Ok(Progress::Running(named)) => Some(named),
            Ok(Progress::Done) => break,
            Err(error) if !error.ends_operation() => operation,
            Err(_) => None,
        };
    }
    for _ in 0..3 {
        assert!(!bench.holds(ANA), "seed {seed}: it was said to be revoked");
        bench.pass(60_000);
        bench.sandbox.finish_operations();
    }
    calm(bench);
}

fn weather(bench: &Bench, chance: &mut StdRng) {
    bench.pass(chance.random_range(0..6_000));
    bench.sandbox.set_operation_time(match chance.random_range(0..3) {
        0 => OperationTime::Polls(chance.random_range(0..3)),
        _ => OperationTime::Millis(chance.random_range(0..12_000)),
    });
    let failure = || Fault::AsyncFail { reason: "Received a 500 status error: internal".to_owned() };
    let faults = [
        Fault::Throttle,
        Fault::ServerError(500),
        Fault::LoseReply,
        Fault::DropBefore,
        Fault::Conflict,
        failure(),
    ];
    if chance.random_bool(0.4) {
        let fault = faults[chance.random_range(0..faults.len())].clone();
        bench.sandbox.fault(Match::nth("*", chance.random_range(1..5)), fault);
    }
    match chance.random_range(0..20) {
        0 => drop(bench.sandbox.unassign(INSTANCE, ADMIN, PROD, ANA)),
        1 => bench.sandbox.expire_sessions(),
        _ => {}
    }
}

fn calm(bench: &Bench) {
    bench.sandbox.clear_faults();
    bench.sandbox.set_operation_time(OperationTime::Polls(0));
    bench.sandbox.finish_operations();
}
