//! Plays requests through against the rules, without Slack, AWS or a running bot: why something is
//! allowed, tests of the rules, and what a change of them would mean.

mod diff;
mod explain;
mod play;
mod table;
mod verify;
mod words;

pub use diff::{Change, compare};
pub use explain::{Live, explain, explain_live};
pub use play::{AskedFor, Played, Wish, asked_for, play};
pub use verify::verify;

/// What a rehearsal has to say, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// For people, line by line.
    pub text: String,
    /// For scripts.
    pub outcome: Outcome,
}

/// How a rehearsal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As it should: exit code 0.
    Fine,
    /// Something is wrong: exit code 1.
    Failed,
    /// There are differences: exit code 2.
    Different,
    /// The answer is no: exit code 2.
    No,
}

impl Outcome {
    /// What the program says when it ends.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Different | Self::No => 2,
        }
    }
}

#[cfg(test)]
mod tests;
