use super::*;
use crate::sandbox::aws::CutSide;

/// Whatever call is lost on whatever side, repeating ends with the access given, then taken, and never
/// says so too early.
async fn survive(resource: Resource, principal: Principal) {
    for side in [CutSide::Before, CutSide::After] {
        for n in 1.. {
            let bench = bench().await;
            bench.sandbox.cut_at(n, side);
            let lost = give(&bench, &principal, &resource).await + take(&bench, &principal, &resource).await;
            assert_eq!(bench.sandbox.holdings(), [], "{side:?} of call {n}");
            bench.finish();
            if lost == 0 {
                assert!(n > 4, "there are more calls than {n}");
                break;
            }
        }
    }
}

async fn give(bench: &Bench, principal: &Principal, resource: &Resource) -> usize {
    let mut progress = bench.grant(principal, resource, false).await;
    let mut lost = 0;
    for _ in 0..20 {
        progress = match progress {
            Ok(Progress::Done) => {
                assert_eq!(bench.sandbox.holdings().len(), 1);
                return lost;
            }
            Ok(Progress::Running(operation)) => bench.poll_grant(principal, resource, &operation).await,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                bench.sandbox.restore();
                lost += 1;
                bench.grant(principal, resource, true).await
            }
        };
    }
    panic!("never granted: {progress:?}");
}

async fn take(bench: &Bench, principal: &Principal, resource: &Resource) -> usize {
    let mut progress = bench.revoke(principal, resource).await;
    let mut lost = 0;
    for _ in 0..20 {
        progress = match progress {
            Ok(Progress::Done) => {
                assert_eq!(bench.sandbox.holdings(), []);
                return lost;
            }
            Ok(Progress::Running(operation)) => bench.poll_revoke(principal, resource, &operation).await,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                bench.sandbox.restore();
                lost += 1;
                bench.revoke(principal, resource).await
            }
        };
    }
    panic!("never revoked: {progress:?}");
}

#[tokio::test]
async fn assignments_survive_every_lost_call() {
    survive(admin(), sso_user(ANA)).await;
}

#[tokio::test]
async fn group_memberships_survive_every_lost_call() {
    survive(ops(), sso_user(ANA)).await;
}

#[tokio::test]
async fn iam_memberships_survive_every_lost_call() {
    survive(deployers(), iam_user("ana@example.com")).await;
}
