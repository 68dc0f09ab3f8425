//! A simulated Slack workspace and a simulated AWS, on loopback, strict and with faults, for the
//! demo, the tests and the benchmarks.
pub mod aws;
pub mod slack;
