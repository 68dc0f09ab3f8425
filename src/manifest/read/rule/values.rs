//! The attributes of a rule, each read by itself.

use crate::access::{People, Span};
use crate::manifest::nearest::did_you_mean;
use crate::manifest::read::people::people;
use crate::manifest::read::simple::is_channel;
use crate::manifest::reader::{Got, Reader};
use crate::manifest::source::{Fault, Place};
use crate::policy::{Cap, Decision};

/// The longest time that uses of a rule are counted for.
const LONGEST_CAP: Span = Span::days(90);

pub(super) fn decision(reader: &Reader<'_>, complete: &mut bool) -> Decision {
    let got = reader.text("decision");
    *complete &= !got.is_broken();
    let Some(text) = got.given() else { return Decision::Ask };
    match text.text.as_str() {
        "ask" => Decision::Ask,
        "auto" => Decision::Auto,
        "deny" => Decision::Deny,
        "break_glass" => Decision::BreakGlass,
        other => {
            let fault = Fault::new(text.place, format!("unknown decision `{other}`"));
            let near = did_you_mean(other, ["ask", "auto", "deny", "break_glass"]);
            let all = "there is `ask`, `auto`, `deny` and `break_glass`";
            reader.complain(fault.hint(near.unwrap_or(all.to_owned())));
            *complete = false;
            Decision::Ask
        }
    }
}

pub(super) fn folk(reader: &Reader<'_>, name: &str, complete: &mut bool) -> Vec<(People, Place)> {
    let texts = match reader.texts(name) {
        Got::Absent => return Vec::new(),
        Got::Broken => {
            *complete = false;
            return Vec::new();
        }
        Got::Given(texts) => texts,
    };
    *complete &= texts.complete;
    // An empty list would read as "anybody" for requesters, the opposite of what it says.
    if texts.items.is_empty() && texts.complete && name == "requesters" {
        let fault =
            Fault::new(texts.place.unwrap_or(reader.bag.place), "`requesters` is empty: nobody could ask");
        reader.complain(fault.hint("leave it out if every full member may ask"));
    }
    let mut found: Vec<(People, Place)> = Vec::new();
    for text in &texts.items {
        match people(text) {
            Ok(people) if found.iter().any(|(there, _)| *there == people) => {
                reader.complain(Fault::warning(text.place, format!("`{}` is named twice", text.text)));
            }
            Ok(people) => found.push((people, text.place)),
            Err(fault) => {
                *complete = false;
                reader.complain(fault);
            }
        }
    }
    found
}

pub(super) fn span(reader: &Reader<'_>, name: &str, complete: &mut bool) -> Option<(Span, Place)> {
    let got = reader.text(name);
    *complete &= !got.is_broken();
    let text = got.given()?;
    match Span::parse(&text.text) {
        Ok(span) => Some((span, text.place)),
        Err(error) => {
            *complete = false;
            reader.complain(Fault::new(text.place, format!("`{name}`: {error}")));
            None
        }
    }
}

/// A whole number from one to a most.
fn number(reader: &Reader<'_>, name: &str, most: u32, complete: &mut bool) -> Option<u32> {
    let got = reader.text(name);
    *complete &= !got.is_broken();
    let text = got.given()?;
    match text.text.parse::<u32>() {
        Ok(number) if (1..=most).contains(&number) => Some(number),
        _ => {
            *complete = false;
            let message = format!("`{name}` has to be a whole number from 1 to {most}");
            reader.complain(Fault::new(text.place, message));
            None
        }
    }
}

pub(super) fn approvals(reader: &Reader<'_>, complete: &mut bool) -> u32 {
    number(reader, "min_approvals", 100, complete).unwrap_or(1)
}

/// `max_uses` and `per`: both or neither.
pub(super) fn cap(reader: &Reader<'_>, complete: &mut bool) -> Option<Cap> {
    let max_uses = number(reader, "max_uses", 1000, complete);
    let per = span(reader, "per", complete);
    let lonely = match (reader.entry("max_uses"), reader.entry("per")) {
        (Some(there), None) => Some((there, "`max_uses` needs `per`: within what time?")),
        (None, Some(there)) => Some((there, "`per` needs `max_uses`: how often?")),
        _ => None,
    };
    if let Some((there, message)) = lonely {
        *complete = false;
        reader.complain(Fault::new(there.key_place, message).hint("as in `max_uses = 2` and `per = \"1d\"`"));
    }
    if let Some((per, place)) = per
        && per > LONGEST_CAP
    {
        *complete = false;
        reader.complain(Fault::new(
            place,
            format!("`per` is {per}: uses are counted for {LONGEST_CAP} at most"),
        ));
    }
    Some(Cap { max_uses: max_uses?, per: per?.0 })
}

/// `notify`: where cards go.
pub(super) fn channels(reader: &Reader<'_>) -> Vec<String> {
    let texts = reader.texts("notify").given().unwrap_or_default();
    let mut found = Vec::new();
    for text in texts.items {
        if !is_channel(&text.text) {
            let message = format!("`{}` is not a Slack channel: write `#name` or its id", text.text);
            reader.complain(Fault::new(text.place, message));
        } else if found.contains(&text.text) {
            reader.complain(Fault::warning(text.place, format!("`{}` is named twice", text.text)));
        } else {
            found.push(text.text);
        }
    }
    found
}
