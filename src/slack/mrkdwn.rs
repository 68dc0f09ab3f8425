//! Text from people, made safe for Slack.
