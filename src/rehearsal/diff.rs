//! What a change of the rules would mean: whom it newly lets or no longer lets have what.

mod gist;
mod live;
mod universe;

use super::{Outcome, Report};
use crate::access::{AccessRequest, FlowName, TargetName};
use crate::manifest::{Catalog, FactSheet, FlowEntry};
use gist::{Gist, gist};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use universe::{Account, Somebody, Universe};

/// Two versions of the manifest, and what is known beside them.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// As it is.
    pub old: &'a Catalog,
    /// As it would be.
    pub new: &'a Catalog,
    /// Facts about people and accounts.
    pub sheet: Option<&'a FactSheet>,
    /// Requests in the books; those with live access are checked against the new rules.
    pub live: Option<&'a [AccessRequest]>,
}

/// Says what a change newly allows or forbids, by people, targets and accounts.
pub fn compare(change: &Change<'_>) -> Report {
    let mut out = String::new();
    let mut names: Vec<&FlowName> = change.old.flows.iter().map(|entry| &entry.flow.name).collect();
    for entry in &change.new.flows {
        if change.old.flow(&entry.flow.name).is_none() {
            names.push(&entry.flow.name);
        }
    }
    for name in names {
        compare_flow(&mut out, change, name);
    }
    let mut is_different = !out.is_empty();
    if !is_different {
        out.push_str("No difference: everybody may have the same as before, in the same way.\n");
    }
    if let Some(requests) = change.live {
        is_different |= live::report(&mut out, change, requests);
    }
    Report { text: out, outcome: if is_different { Outcome::Different } else { Outcome::Fine } }
}

fn compare_flow(out: &mut String, change: &Change<'_>, name: &FlowName) {
    let (old, new) = (change.old.flow(name), change.new.flow(name));
    let universe = Universe::of(old.into_iter().chain(new), change.sheet);
    for target in targets(old, new) {
        let mut found: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
        let accounts = universe.accounts(target.as_ref(), old.into_iter().chain(new));
        for is_emergency in [false, true] {
            for somebody in &universe.people {
                for account in &accounts {
                    let said =
                        |entry| said(entry, target.as_ref(), somebody, account, is_emergency, change.sheet);
                    if let Some(difference) = difference(&said(old), &said(new), is_emergency) {
                        let places = found.entry(difference).or_default().entry(somebody.label.as_str());
                        places.or_default().insert(account.label.as_str());
                    }
                }
            }
        }
        write_target(out, name, target.as_ref(), &found, &accounts);
    }
}

/// The targets of both versions, in order; `None` for a flow that grants nothing.
fn targets(old: Option<&FlowEntry>, new: Option<&FlowEntry>) -> Vec<Option<TargetName>> {
    let mut all: Vec<Option<TargetName>> = Vec::new();
    for entry in old.into_iter().chain(new) {
        let names = entry.flow.targets.iter().map(|target| Some(target.name.clone()));
        let none = entry.flow.targets.is_empty().then_some(None);
        for target in names.chain(none) {
            if !all.contains(&target) {
                all.push(target);
            }
        }
    }
    all
}

fn said(
    entry: Option<&FlowEntry>,
    target: Option<&TargetName>,
    somebody: &Somebody,
    account: &Account,
    is_emergency: bool,
    sheet: Option<&FactSheet>,
) -> Gist {
    let Some(entry) = entry else { return Gist::No("there is no such flow".to_owned()) };
    gist(entry, target, &somebody.facts(entry, sheet), account, is_emergency)
}

/// What a change means for one case, in words; nothing when it means nothing.
fn difference(old: &Gist, new: &Gist, is_emergency: bool) -> Option<String> {
    let when = if is_emergency { " in an emergency" } else { "" };
    match (old, new) {
        (Gist::No(_), Gist::No(_)) => None,
        (Gist::No(_), Gist::Yes(terms)) => Some(format!("newly allowed{when}: {terms}")),
        (Gist::Yes(_), Gist::No(why)) => Some(format!("no longer allowed{when}: {why}")),
        (Gist::Yes(old), Gist::Yes(new)) => {
            let changes = new.changes_from(old);
            (!changes.is_empty()).then(|| format!("changed{when}: {}", changes.join("; ")))
        }
    }
}

fn write_target(
    out: &mut String,
    flow: &FlowName,
    target: Option<&TargetName>,
    found: &BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>>,
    accounts: &[Account],
) {
    if found.is_empty() {
        return;
    }
    let _ = match target {
        Some(target) => writeln!(out, "{flow} / {target}"),
        None => writeln!(out, "{flow}"),
    };
    let all: BTreeSet<&str> = accounts.iter().map(|account| account.label.as_str()).collect();
    for (difference, people) in found {
        let _ = writeln!(out, "  {difference}");
        // People to whom the same happens in the same accounts share a line.
        let mut by_accounts: BTreeMap<&BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
        for (somebody, places) in people {
            by_accounts.entry(places).or_default().push(somebody);
        }
        for (places, people) in by_accounts {
            let places: Vec<&str> = places.iter().copied().filter(|place| !place.is_empty()).collect();
            let place = if places.is_empty() {
                String::new()
            } else if places.len() == all.len() && all.len() > 1 {
                " in every account".to_owned()
            } else {
                format!(" in {}", places.join(", "))
            };
            let _ = writeln!(out, "    {}{place}", people.join(", "));
        }
    }
}
