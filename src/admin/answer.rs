//! What is answered.

use super::serve::Asker;
use super::{Ask, Line};
use crate::access::{AccessRequest, Event, Refusal, RequestId, Status, Timestamp};
use crate::engine::Engine;
use crate::store::{Store, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often the books are looked at while access is being ended.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How many lines wait for a slow reader.
const BUFFER: usize = 256;

/// Reasons are for people: a sentence, not a page.
const LONGEST_REASON: usize = 500;

pub(super) async fn answer(engine: &Engine, ask: &Ask, asker: &mut Asker) -> Result<(), String> {
    match ask {
        Ask::List { all } => {
            let all = *all;
            stream(engine, asker, move |store, send| list(store, all, send)).await
        }
        Ask::Show { request } => {
            let item = show(engine, request)?;
            asker.hears(&Line::Item(item)).await.map_err(gone)
        }
        Ask::Revoke { request, because } => revoke(engine, asker, request, reason(because)?).await,
        Ask::RevokeAll { because } => revoke_all(engine, asker, reason(because)?).await,
        Ask::Audit { since, until } => {
            let (since, until) = (*since, *until);
            stream(engine, asker, move |store, send| audit(store, since, until, send)).await
        }
        Ask::Drift { now } => {
            let item = super::drift::answer(engine, *now).await?;
            asker.hears(&Line::Item(item)).await.map_err(gone)
        }
        Ask::Backup { file } => backup(engine, asker, file).await,
    }
}

/// Runs a long reading beside everything else; its lines are sent as they come.
async fn stream(
    engine: &Engine,
    asker: &mut Asker,
    read: impl FnOnce(&Store, &mpsc::Sender<Value>) -> Result<(), String> + Send + 'static,
) -> Result<(), String> {
    let (send, mut lines) = mpsc::channel(BUFFER);
    let engine = engine.clone();
    let reading = tokio::task::spawn_blocking(move || read(engine.store(), &send));
    while let Some(item) = lines.recv().await {
        asker.hears(&Line::Item(item)).await.map_err(gone)?;
    }
    reading.await.map_err(|error| error.to_string())?
}

fn list(store: &Store, all: bool, send: &mpsc::Sender<Value>) -> Result<(), String> {
    let mut requests: Vec<AccessRequest> =
        store.requests().filter(|request| all || !request.is_over()).collect();
    requests.sort_by_key(|request| request.made_at);
    for request in &requests {
        send.blocking_send(line_of(request)).map_err(|_| "nobody reads the answer".to_owned())?;
    }
    Ok(())
}

/// One request as a line of a list: id, who, what, where it stands, until when.
pub fn line_of(request: &AccessRequest) -> Value {
    let (status, ends) = standing(&request.status);
    let target = request.target.as_ref().map_or(&request.flow_label, |target| &target.label);
    json!({
        "id": request.id,
        "who": request.requester.user,
        "flow": request.flow,
        "target": target,
        "status": status,
        "ends": ends.map(Timestamp::rfc3339),
        "asked": request.made_at.rfc3339(),
    })
}

fn standing(status: &Status) -> (&'static str, Option<Timestamp>) {
    match status {
        Status::Identifying { .. } => ("identifying", None),
        Status::Pending { answer_by, .. } => ("pending", Some(*answer_by)),
        Status::Granting { provisional_end, .. } => ("granting", *provisional_end),
        Status::Active { ends_at, .. } => ("active", *ends_at),
        Status::Ending { since, .. } => ("ending", Some(*since)),
        Status::Refused { at, .. } => ("refused", Some(*at)),
        Status::Denied { at, .. } => ("denied", Some(*at)),
        Status::Withdrawn { at } => ("withdrawn", Some(*at)),
        Status::Lapsed { at } => ("lapsed", Some(*at)),
        Status::Approved { at } => ("approved", Some(*at)),
        Status::AlreadyHeld { at } => ("already_held", Some(*at)),
        Status::Ended { at, .. } => ("ended", Some(*at)),
    }
}

fn show(engine: &Engine, id: &RequestId) -> Result<Value, String> {
    let store = engine.store();
    let request = store.request(id).map_err(words)?.ok_or_else(|| unknown(id))?;
    let entitlement =
        request.entitlement().map(|id| store.entitlement(&id)).transpose().map_err(words)?.flatten();
    let waiting: Vec<Value> = store
        .notices(id)
        .map_err(words)?
        .into_iter()
        .map(|queued| json!({ "since": queued.since.rfc3339(), "to": queued.notice.to, "kind": queued.notice.kind }))
        .collect();
    let by_hand = entitlement.as_ref().filter(|it| it.may_be_held()).map(crate::access::Entitlement::by_hand);
    Ok(json!({
        "summary": line_of(&request),
        "request": request,
        "entitlement": entitlement,
        "removed_by_hand_with": by_hand,
        "messages_that_wait": waiting,
    }))
}

fn audit(
    store: &Store,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    send: &mpsc::Sender<Value>,
) -> Result<(), String> {
    for kept in store.trail(since, until) {
        let line = kept.map_err(words)?.to_json();
        send.blocking_send(line).map_err(|_| "nobody reads the answer".to_owned())?;
    }
    Ok(())
}

async fn backup(engine: &Engine, asker: &mut Asker, file: &Path) -> Result<(), String> {
    if !file.is_absolute() {
        return Err(format!("{} is not an absolute path", file.display()));
    }
    let (store, path) = (engine.clone(), file.to_owned());
    let saved = tokio::task::spawn_blocking(move || store.store().backup(&path)).await;
    let saved = saved.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    tracing::info!(operator = %asker.operator, commits = saved.commits, "a backup was written");
    let text = format!("{}: {} rows, up to commit {}", file.display(), saved.rows, saved.commits);
    asker.hears(&Line::Said(text)).await.map_err(gone)
}

async fn revoke(engine: &Engine, asker: &mut Asker, id: &RequestId, because: String) -> Result<(), String> {
    let event = revoked(id, asker, &because);
    engine.operator(id, &event).await.map_err(words)?.map_err(|refusal| refused(id, &refusal))?;
    let request = engine.store().request(id).map_err(words)?.ok_or_else(|| unknown(id))?;
    if matches!(request.status, Status::Refused { .. }) {
        let text = format!("{id} was waiting and is closed; nothing had been given");
        return asker.hears(&Line::Said(text)).await.map_err(gone);
    }
    wait_for_proof(engine, asker, BTreeSet::from([id.clone()])).await
}

/// Ends everything that lives now. What is approved meanwhile was decided by people since, and is named.
async fn revoke_all(engine: &Engine, asker: &mut Asker, because: String) -> Result<(), String> {
    let live = claims(engine).await?;
    tracing::warn!(operator = %asker.operator, claims = live.len(), "an operator ends all access");
    let mut waiting: BTreeSet<RequestId> = ending(engine).await?;
    let mut work = JoinSet::new();
    for id in live.clone() {
        let (engine, event) = (engine.clone(), revoked(&id, asker, &because));
        work.spawn(async move {
            let outcome = engine.operator(&id, &event).await;
            (id, outcome)
        });
    }
    let mut failed = Vec::new();
    while let Some(done) = work.join_next().await {
        match done.map_err(|error| error.to_string())? {
            // One that has just ended of itself is as good.
            (id, Ok(Ok(()) | Err(Refusal::Over))) => drop(waiting.insert(id)),
            (id, Ok(Err(refusal))) => failed.push(refused(&id, &refusal)),
            (id, Err(error)) => failed.push(format!("{id}: {error}")),
        }
    }
    let text = format!("{} claims ended; {} to be proven gone", live.len() - failed.len(), waiting.len());
    asker.hears(&Line::Said(text)).await.map_err(gone)?;
    wait_for_proof(engine, asker, waiting).await?;
    if !failed.is_empty() {
        return Err(failed.join("; "));
    }
    let newer = claims(engine).await?;
    if newer.is_empty() {
        return Ok(());
    }
    let text = format!("{} were approved meanwhile and live: {}", newer.len(), names(&newer));
    asker.hears(&Line::Said(text)).await.map_err(gone)
}

/// Says how it goes whenever it goes on, until a read has shown everything gone.
async fn wait_for_proof(
    engine: &Engine,
    asker: &mut Asker,
    mut waiting: BTreeSet<RequestId>,
) -> Result<(), String> {
    let all = waiting.len();
    let mut said = None;
    loop {
        let mut last = None;
        let mut over = Vec::new();
        for id in &waiting {
            let request = engine.store().request(id).map_err(words)?;
            match request {
                Some(request) if !request.is_over() => last = last.or(trouble(engine, &request)),
                _ => over.push(id.clone()),
            }
        }
        waiting.retain(|id| !over.contains(id));
        let now = (waiting.len(), last);
        if said.as_ref() != Some(&now) {
            asker.hears(&Line::Said(progress(all, &waiting, now.1.as_deref()))).await.map_err(gone)?;
            said = Some(now);
        }
        if waiting.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn progress(all: usize, waiting: &BTreeSet<RequestId>, last: Option<&str>) -> String {
    let gone = all - waiting.len();
    if waiting.is_empty() {
        return format!("{gone} of {all} proven gone");
    }
    let said = last.map(|last| format!(" (AWS said last: {last})")).unwrap_or_default();
    format!("{gone} of {all} proven gone; waiting for {}{said}", names(waiting))
}

fn names(ids: &BTreeSet<RequestId>) -> String {
    const NAMED: usize = 5;
    let named: Vec<&str> = ids.iter().take(NAMED).map(RequestId::as_str).collect();
    let more = ids.len().saturating_sub(NAMED);
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

/// What AWS said last about a removal that does not succeed.
fn trouble(engine: &Engine, request: &AccessRequest) -> Option<String> {
    let entitlement = engine.store().entitlement(&request.entitlement()?).ok()??;
    match entitlement.custody {
        crate::access::Custody::Revoking { retry, .. } => retry.last,
        crate::access::Custody::Looking { .. }
        | crate::access::Custody::Granting { .. }
        | crate::access::Custody::Held { .. } => None,
    }
}

async fn claims(engine: &Engine) -> Result<BTreeSet<RequestId>, String> {
    matching(engine, AccessRequest::is_claiming).await
}

async fn ending(engine: &Engine) -> Result<BTreeSet<RequestId>, String> {
    matching(engine, |request| matches!(request.status, Status::Ending { .. })).await
}

async fn matching(
    engine: &Engine,
    wanted: fn(&AccessRequest) -> bool,
) -> Result<BTreeSet<RequestId>, String> {
    let engine = engine.clone();
    let found = tokio::task::spawn_blocking(move || {
        engine.store().requests().filter(wanted).map(|request| request.id).collect()
    });
    found.await.map_err(|error| error.to_string())
}

fn revoked(id: &RequestId, asker: &Asker, because: &str) -> Event {
    Event::AdminRevoked { request: id.clone(), operator: asker.operator.clone(), because: because.to_owned() }
}

/// It is shown to people and kept for ever.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say why, with --because: people will ask".to_owned());
    }
    Ok(text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_REASON).collect())
}

fn refused(id: &RequestId, refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unknown => unknown(id),
        Refusal::Over => format!("{id} is ending or over already; `sym admin show {id}` says how it stands"),
        other => format!("{id}: {other:?}"),
    }
}

fn unknown(id: &RequestId) -> String {
    format!("no request `{id}` is in the books")
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn words(error: StoreError) -> String {
    error.to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn gone(error: std::io::Error) -> String {
    format!("the operator went away: {error}")
}
