//! A simulated Slack workspace on loopback: Web API, socket mode, and a web page for people.
