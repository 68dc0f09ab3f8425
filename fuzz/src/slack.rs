//! The part of the room that reads.

pub mod inbound;
