//! What is wrong with a manifest, each thing with its place, for people and for terminals.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The manifest does not load.
    Error,
    /// It loads, and somebody should look.
    Warning,
}

/// Another place that belongs to a complaint, such as the first of two declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Also {
    /// What is there.
    pub what: String,
    /// The file.
    pub file: String,
    /// 1-based; zero when the file as a whole is meant.
    pub line: usize,
    /// 1-based, counted in characters.
    pub column: usize,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// The file, as the operator named its folder; or `--var x`.
    pub file: String,
    /// 1-based; zero when the file as a whole is meant.
    pub line: usize,
    /// 1-based, counted in characters.
    pub column: usize,
    /// The bytes of the file that are meant.
    pub span: Range<usize>,
    /// The first line of the span.
    pub source_line: String,
    /// What would help.
    pub hint: Option<String>,
    /// Other places that belong to it.
    pub also: Vec<Also>,
    /// The whole file, for [`Complaints::render`].
    pub(super) text: Arc<str>,
}

impl Complaint {
    /// `manifests/prod.hcl:12:3`, or the file alone when it is meant as a whole.
    pub fn location(&self) -> String {
        location(&self.file, self.line, self.column)
    }

    /// How many characters of the source line are underlined; at least one.
    fn width(&self) -> usize {
        let rest = self.source_line.chars().count().saturating_sub(self.column.saturating_sub(1));
        let meant = self
            .text
            .get(self.span.clone())
            .map_or(0, |text| text.lines().next().map_or(0, |line| line.trim_end().chars().count()));
        meant.min(rest).max(1)
    }
}

fn location(file: &str, line: usize, column: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}:{column}") }
}

/// A block of plain text: what is wrong, where, the line underlined, and the hint.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{kind}: {}", self.message)?;
        write!(f, "  --> {}", self.location())?;
        if self.line > 0 {
            let number = self.line.to_string();
            let gutter = " ".repeat(number.len());
            // Tabs keep their width above and below only when they are repeated as they are.
            let indent: String = self
                .source_line
                .chars()
                .take(self.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            writeln!(f, "\n{gutter} |\n{number} | {}", self.source_line)?;
            write!(f, "{gutter} | {indent}{}", "^".repeat(self.width()))?;
        }
        for also in &self.also {
            write!(f, "\n  {}: {}", also.what, location(&also.file, also.line, also.column))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaint {}

impl miette::Diagnostic for Complaint {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let also = self
            .also
            .iter()
            .map(|also| format!("{}: {}", also.what, location(&also.file, also.line, also.column)));
        let lines: Vec<String> = also.chain(self.hint.clone()).collect();
        (!lines.is_empty()).then(|| Box::new(lines.join("\n")) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (self.line > 0).then(|| {
            let label = LabeledSpan::new(None, self.span.start, self.span.len());
            Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>
        })
    }
}

/// Everything that is wrong, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Complaints(pub(super) Vec<Complaint>);

impl Complaints {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Each thing that is wrong.
    pub fn iter(&self) -> std::slice::Iter<'_, Complaint> {
        self.0.iter()
    }

    /// Whether any of them keeps the manifest from loading.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|complaint| complaint.severity == Severity::Error)
    }

    /// How many of a severity there are.
    pub fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|complaint| complaint.severity == severity).count()
    }

    /// Draws them for a terminal, with or without colour.
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_width(100);
        let mut out = String::new();
        for complaint in self {
            let drawn =
                Drawn { complaint, source: NamedSource::new(&complaint.file, Arc::clone(&complaint.text)) };
            if handler.render_report(&mut out, &drawn).is_err() {
                // Drawing failed, which must not hide what is wrong.
                out.push_str(&complaint.to_string());
            }
            if complaint.line == 0 {
                out.push_str("   in ");
                out.push_str(&complaint.file);
                out.push('\n');
            }
            out.push('\n');
        }
        out
    }
}

impl<'a> IntoIterator for &'a Complaints {
    type Item = &'a Complaint;
    type IntoIter = std::slice::Iter<'a, Complaint>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One plain block per complaint, an empty line between them.
impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, complaint) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}

/// A complaint together with its file, as miette wants it.
#[derive(Debug)]
struct Drawn<'a> {
    complaint: &'a Complaint,
    source: NamedSource<Arc<str>>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.complaint.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl miette::Diagnostic for Drawn<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        miette::Diagnostic::severity(self.complaint)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.complaint.help()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.complaint.labels()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
}
