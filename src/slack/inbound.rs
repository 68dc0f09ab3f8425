//! Reads Slack's socket-mode payloads, tolerantly, as hostile bytes.
