//! The result, ready to be pasted into a page.

use std::fmt::Write;

/// Figures beside what they should be.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 3]>,
}

impl Table {
    /// One figure.
    pub(crate) fn row(&mut self, what: &str, measured: &str, aim: &str) {
        self.rows.push([what, measured, aim].map(str::to_owned));
    }

    /// The whole table in Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = "| figure | measured | aim |\n| --- | --- | --- |\n".to_owned();
        for [what, measured, aim] in &self.rows {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "| {what} | {measured} | {aim} |");
        }
        text
    }
}
