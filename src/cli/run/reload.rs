//! When `sym run` reads its manifests again.

use crate::bot::reload::{LOOK_EVERY, Manifests, Watch};
use crate::engine::Engine;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Reads the manifests again on SIGHUP and, where they are watched, when they have changed. One reading
/// after the other, so that an older one never wins.
pub(super) async fn keep_up(manifests: Manifests, watch: Option<Watch>, engine: Engine) {
    let mut hang_up = signal(SignalKind::hangup()).ok();
    let (changed, mut told_by_files) = mpsc::channel(1);
    if let Some(watch) = watch {
        tokio::spawn(follow(watch, changed));
    }
    loop {
        let told_by_signal = async {
            match &mut hang_up {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = told_by_signal => {}
            Some(()) = told_by_files.recv() => {}
        }
        manifests.reload(&engine).await;
    }
}

/// Looks at the files, beside everything else: their disk may be far away.
async fn follow(mut watch: Watch, changed: mpsc::Sender<()>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let looked = tokio::task::spawn_blocking(move || (watch.has_settled(), watch)).await;
        let Ok((has_settled, same)) = looked else { return };
        watch = same;
        if has_settled && changed.send(()).await.is_err() {
            return;
        }
    }
}
