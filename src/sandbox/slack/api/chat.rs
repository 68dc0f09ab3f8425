//! `chat.*` and `reactions.add`.
use serde_json::{Value, json};

use super::{Args, Failure, Outcome};
use crate::sandbox::slack::model::{Message, State};
use crate::sandbox::slack::{Change, Slack, ids, limits, views};

pub(super) fn post_message(slack: &Slack, args: &Args) -> Outcome {
    let content = content(slack, args)?;
    let target = args.need("channel")?;
    let now = slack.now();
    let mut state = slack.state();
    let channel = writable(&mut state, target)?;
    let message = compose(&mut state, now, &channel, args, &content)?;
    let answer = json!({ "channel": channel, "ts": message.ts, "message": message.wire() });
    slack.tell(|| shown(&message));
    state.messages.entry(channel).or_default().push(message);
    Ok(answer)
}

fn shown(message: &Message) -> Change {
    Change::Shown { channel: message.channel.clone(), ts: message.ts.clone(), text: message.text.clone() }
}

pub(super) fn post_ephemeral(slack: &Slack, args: &Args) -> Outcome {
    let content = content(slack, args)?;
    let (target, user) = (args.need("channel")?, args.need("user")?);
    let now = slack.now();
    let mut state = slack.state();
    let channel = writable(&mut state, target)?;
    if !state.people.contains_key(user) {
        return Err("user_not_found".into());
    }
    let inside = state.channels.get(&channel).is_some_and(|c| c.members.iter().any(|m| m == user));
    if !inside {
        return Err("user_not_in_channel".into());
    }
    let mut message = compose(&mut state, now, &channel, args, &content)?;
    message.ephemeral_to = Some(user.to_owned());
    let answer = json!({ "message_ts": message.ts });
    state.ephemerals.entry(user.to_owned()).or_default().push(message);
    Ok(answer)
}

pub(super) fn update(slack: &Slack, args: &Args) -> Outcome {
    let (channel, ts) = (args.need("channel")?.to_owned(), args.need("ts")?);
    let keeps_blocks = !args.0.contains_key("blocks");
    let content = content(slack, args)?;
    let now = slack.now();
    let mut state = slack.state();
    let edited = state.ids.ts(now);
    let old = mine(&mut state, &channel, ts, "cant_update_message")?.blocks.clone();
    let metadata = args.json("metadata")?;
    let blocks = if keeps_blocks { old } else { views::completed(&mut state, &content["blocks"]) };
    let message = mine(&mut state, &channel, ts, "cant_update_message")?;
    content["text"].as_str().unwrap_or_default().clone_into(&mut message.text);
    message.blocks = blocks;
    message.edited = Some(edited);
    if let Some(metadata) = metadata {
        message.metadata = metadata;
    }
    slack.tell(|| shown(message));
    Ok(json!({ "channel": channel, "ts": ts, "text": message.text, "message": message.wire() }))
}

pub(super) fn delete(slack: &Slack, args: &Args) -> Outcome {
    let (channel, ts) = (args.need("channel")?, args.need("ts")?);
    let mut state = slack.state();
    mine(&mut state, channel, ts, "cant_delete_message")?;
    if let Some(list) = state.messages.get_mut(channel) {
        list.retain(|message| message.ts != ts);
    }
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub(super) fn permalink(slack: &Slack, args: &Args) -> Outcome {
    let (channel, ts) = (args.need("channel")?, args.need("message_ts")?);
    let mut state = slack.state();
    if !state.channels.contains_key(channel) {
        return Err("channel_not_found".into());
    }
    if state.message(channel, ts).is_none() {
        return Err("message_not_found".into());
    }
    let digits = ts.replace('.', "");
    let link = format!("https://{}.slack.com/archives/{channel}/p{digits}", ids::DOMAIN);
    Ok(json!({ "channel": channel, "permalink": link }))
}

pub(super) fn react(slack: &Slack, args: &Args) -> Outcome {
    let (channel, ts) = (args.need("channel")?, args.need("timestamp")?);
    let name = args.need("name")?.trim_matches(':').to_owned();
    let mut state = slack.state();
    if !state.channels.contains_key(channel) {
        return Err("channel_not_found".into());
    }
    let message = state.message(channel, ts).ok_or(Failure::from("message_not_found"))?;
    let reaction = (name, ids::BOT_USER.to_owned());
    if message.reactions.contains(&reaction) {
        return Err("already_reacted".into());
    }
    message.reactions.push(reaction);
    Ok(json!({}))
}

/// Text and blocks of a call, checked against the limits.
fn content(slack: &Slack, args: &Args) -> Outcome {
    let text = args.text("text").unwrap_or_default();
    let attached = args.json("attachments")?.unwrap_or_default();
    if attached.as_array().is_some_and(|list| !list.is_empty()) {
        slack.note_unexpected("attachments are not simulated: use blocks".to_owned());
    }
    if let Some(metadata) = args.json("metadata")?
        && !(metadata["event_type"].is_string() && metadata["event_payload"].is_object())
    {
        return Err("invalid_metadata_format".into());
    }
    let blocks = args.json("blocks")?.unwrap_or_else(|| json!([]));
    let content = json!({ "text": text, "blocks": blocks });
    check(slack, &content)?;
    Ok(content)
}

/// Checks a message's content as Slack does before it shows it.
pub(super) fn check(slack: &Slack, content: &Value) -> Result<(), Failure> {
    let text = content["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err("no_text".into());
    }
    if text.chars().count() > limits::MESSAGE_TEXT {
        return Err("msg_too_long".into());
    }
    let complaints = limits::check_message(content);
    if !complaints.is_empty() {
        return Err(Failure::with("invalid_blocks", complaints));
    }
    let warnings = limits::warn_message(content);
    if !warnings.is_empty() {
        slack.state().warnings.extend(warnings);
    }
    Ok(())
}

/// The conversation the bot may write to: a channel, or a person by user id.
fn writable(state: &mut State, target: &str) -> Result<String, Failure> {
    if target.starts_with('U') {
        let person = state.people.get(target).ok_or(Failure::from("channel_not_found"))?;
        if person.deleted {
            return Err("channel_not_found".into());
        }
        return Ok(state.im(target));
    }
    let public = state.scope("chat:write.public");
    let channel = state.channels.get(target).ok_or(Failure::from("channel_not_found"))?;
    let inside = channel.members.iter().any(|member| member == ids::BOT_USER);
    if channel.private && !inside {
        return Err("channel_not_found".into());
    }
    if channel.archived {
        return Err("is_archived".into());
    }
    if !inside && !public {
        return Err("not_in_channel".into());
    }
    Ok(channel.id.clone())
}

fn compose(
    state: &mut State,
    now: i64,
    channel: &str,
    args: &Args,
    content: &Value,
) -> Result<Message, Failure> {
    let thread_ts = args.text("thread_ts").map(str::to_owned);
    if let Some(ts) = &thread_ts
        && state.message(channel, ts).is_none()
    {
        return Err("thread_not_found".into());
    }
    Ok(Message {
        channel: channel.to_owned(),
        ts: state.ids.ts(now),
        user: ids::BOT_USER.to_owned(),
        text: content["text"].as_str().unwrap_or_default().to_owned(),
        blocks: views::completed(state, &content["blocks"]),
        thread_ts,
        metadata: args.json("metadata")?.unwrap_or_default(),
        ..Message::default()
    })
}

/// A message the bot wrote itself.
fn mine<'a>(
    state: &'a mut State,
    channel: &str,
    ts: &str,
    otherwise: &str,
) -> Result<&'a mut Message, Failure> {
    let Some(found) = state.channels.get(channel) else {
        return Err("channel_not_found".into());
    };
    if found.archived {
        return Err("is_archived".into());
    }
    let message = state.message(channel, ts).ok_or(Failure::from("message_not_found"))?;
    if message.user != ids::BOT_USER {
        return Err(otherwise.into());
    }
    Ok(message)
}
