//! Sym: a self-hosted Slack bot for temporary AWS access that always ends on time.
#[cfg(feature = "sandbox")]
pub mod sandbox;
