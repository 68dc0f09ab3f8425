//! The texts that were read, places in them, and the faults found there.

use super::complaint::{Also, Complaint, Complaints, Severity};
use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// One text among the [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SourceId(usize);

/// Some bytes of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) source: SourceId,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn new(source: SourceId, span: Option<Range<usize>>) -> Self {
        let span = span.unwrap_or(0..0);
        Self { source, start: span.start, end: span.end }
    }

    /// From the start of this place to the end of the other, in the same text.
    pub(super) fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.end), ..self }
    }
}

/// Whether a fault is a mistake in the files, or something only Terraform could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    Wrong,
    Unknown,
    Doubtful,
    /// Already told at its own place: a follow-up that nobody needs to hear.
    Told,
}

/// Something wrong at a place, before it is told to anybody.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) also: Vec<(String, Place)>,
}

impl Fault {
    /// A mistake.
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Wrong, place, message: message.into(), hint: None, also: Vec::new() }
    }

    /// Something that Terraform knows and these files do not say.
    pub(super) fn unknown(place: Place, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Unknown, ..Self::new(place, message) }
    }

    /// Something that loads, and that somebody should look at.
    pub(super) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Doubtful, ..Self::new(place, message) }
    }

    /// What depends on something that was already complained about.
    pub(super) fn told(place: Place) -> Self {
        Self { kind: FaultKind::Told, ..Self::new(place, "already told") }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    pub(super) fn also(mut self, what: impl Into<String>, place: Place) -> Self {
        self.also.push((what.into(), place));
        self
    }
}

/// A value, or the fault that kept it from being known.
pub(super) type Eval<T> = Result<T, Box<Fault>>;

/// Collects faults. The same fault met on two ways is one fault.
#[derive(Debug, Default)]
pub(super) struct Log {
    faults: RefCell<Vec<Fault>>,
    seen: RefCell<HashSet<(Place, String)>>,
}

impl Log {
    pub(super) fn add(&self, fault: Fault) {
        if fault.kind == FaultKind::Told {
            return;
        }
        if !self.seen.borrow_mut().insert((fault.place, fault.message.clone())) {
            return;
        }
        let mut faults = self.faults.borrow_mut();
        // One thing that Terraform has to supply is one complaint, wherever it is needed.
        let unknown = |there: &&mut Fault| {
            there.kind == FaultKind::Unknown
                && fault.kind == FaultKind::Unknown
                && there.message == fault.message
        };
        match faults.iter_mut().find(unknown) {
            Some(first) => first.also.push(("also needed at".to_owned(), fault.place)),
            None => faults.push(fault),
        }
    }

    /// The value, or `None` once its fault is written down.
    pub(super) fn keep<T>(&self, value: Eval<T>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(fault) => {
                self.add(*fault);
                None
            }
        }
    }

    pub(super) fn has_errors(&self) -> bool {
        self.faults.borrow().iter().any(|fault| fault.kind != FaultKind::Doubtful)
    }

    /// Everything written down, in the order of files and lines.
    pub(super) fn complaints(&self, sources: &Sources) -> Complaints {
        let mut faults = self.faults.borrow().clone();
        faults.sort_by_key(|fault| fault.place);
        Complaints(faults.into_iter().map(|fault| sources.complaint(fault)).collect())
    }
}

#[derive(Debug)]
struct Source {
    name: String,
    text: Arc<str>,
}

/// Every text that was read, by id.
#[derive(Debug, Default)]
pub(super) struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text. The name is what people are shown.
    pub(super) fn add(&mut self, name: impl Into<String>, text: &str) -> SourceId {
        self.0.push(Source { name: name.into(), text: Arc::from(text) });
        SourceId(self.0.len() - 1)
    }

    /// `manifests/prod.hcl:12`.
    pub(super) fn line_of(&self, place: Place) -> String {
        let (line, _) = self.position(place);
        format!("{}:{line}", self.name(place.source))
    }

    fn name(&self, id: SourceId) -> &str {
        self.0.get(id.0).map_or("", |source| source.name.as_str())
    }

    fn text(&self, id: SourceId) -> Arc<str> {
        self.0.get(id.0).map_or_else(|| Arc::from(""), |source| Arc::clone(&source.text))
    }

    fn position(&self, place: Place) -> (usize, usize) {
        let text = self.text(place.source);
        if text.is_empty() {
            return (0, 0);
        }
        let before = text.get(..place.start.min(text.len())).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    fn complaint(&self, fault: Fault) -> Complaint {
        let text = self.text(fault.place.source);
        let (line, column) = self.position(fault.place);
        let source_line =
            line.checked_sub(1).and_then(|index| text.lines().nth(index)).unwrap_or("").to_owned();
        let end = fault.place.end.min(text.len());
        let also = fault.also.into_iter().map(|(what, place)| {
            let (line, column) = self.position(place);
            Also { what, file: self.name(place.source).to_owned(), line, column }
        });
        Complaint {
            severity: match fault.kind {
                FaultKind::Wrong | FaultKind::Unknown | FaultKind::Told => Severity::Error,
                FaultKind::Doubtful => Severity::Warning,
            },
            message: fault.message,
            file: self.name(fault.place.source).to_owned(),
            line,
            column,
            span: fault.place.start.min(end)..end,
            source_line,
            hint: fault.hint,
            also: also.collect(),
            text,
        }
    }
}
