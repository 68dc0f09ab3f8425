//! Sym: a self-hosted Slack bot for temporary AWS access that always ends on time.
pub mod access;
pub mod aws;
pub mod clock;
pub mod manifest;
pub mod policy;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod slack;
pub mod store;
