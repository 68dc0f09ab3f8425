//! Sym: a self-hosted Slack bot for temporary AWS access that always ends on time.
pub mod access;
pub mod aws;
pub mod bot;
pub mod clock;
pub mod config;
#[cfg(feature = "sandbox")]
pub mod demo;
pub mod engine;
pub mod http;
pub mod manifest;
pub mod policy;
pub mod readiness;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod slack;
pub mod store;
pub mod telemetry;
