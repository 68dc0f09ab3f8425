//! Reads Slack's socket-mode payloads, tolerantly, as hostile bytes.
//!
//! A frame that is JSON is never refused for what is missing, unknown or of the wrong type: what
//! cannot be read becomes [`Inbound::Other`], so that it can be acknowledged and forgotten. Nothing
//! here prints what people wrote: `Debug` shows kinds and counts only.

use crate::access::{ChannelId, EnvelopeId, MessageTs, Place, TeamId, UserId};
use std::fmt;

mod values;
mod wire;

pub use values::Values;

/// The largest frame that is read, in bytes. Slack's own are below 100 KiB.
pub const FRAME_LIMIT: usize = 1024 * 1024;

/// One text frame of the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Slack is ready to deliver.
    Hello,
    /// Slack is about to close the connection.
    Disconnect {
        /// Slack's reason: `warning`, `refresh_requested`, `link_disabled`, …
        reason: String,
    },
    /// Something to be acknowledged.
    Envelope {
        /// The delivery.
        envelope: Box<Envelope>,
        /// Slack takes an acknowledgement that says something.
        accepts_payload: bool,
    },
    /// Nothing that can be acknowledged; the reason names no content.
    Unreadable(&'static str),
}

/// One delivery.
#[derive(Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Its name, the same when Slack delivers again.
    pub id: EnvelopeId,
    /// How often Slack has tried before.
    pub retry_attempt: u32,
    /// What it says.
    pub inbound: Inbound,
}

/// Who acts.
#[derive(Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person.
    pub user: UserId,
    /// The workspace they belong to, as the payload says; it may be another company's.
    pub team: Option<TeamId>,
    /// The workspace in which it happened; absent in some organisation-wide installations.
    pub workspace: Option<TeamId>,
}

/// What somebody did in Slack.
#[derive(Clone, PartialEq, Eq)]
pub enum Inbound {
    /// Typed the slash command.
    Command {
        /// Who.
        actor: Actor,
        /// Where.
        channel: ChannelId,
        /// The command with its slash.
        command: String,
        /// What follows it.
        text: String,
        /// Opens a modal, for three seconds.
        trigger_id: String,
        /// Takes an answer, for half an hour.
        response_url: Option<String>,
    },
    /// Chose a global shortcut.
    Shortcut {
        /// Who.
        actor: Actor,
        /// Which.
        callback_id: String,
        /// Opens a modal, for three seconds.
        trigger_id: String,
    },
    /// Submitted a modal.
    Submitted {
        /// Who.
        actor: Actor,
        /// The modal as it was filled in.
        view: View,
    },
    /// Closed a modal.
    Closed {
        /// Who.
        actor: Actor,
        /// The modal.
        view: View,
    },
    /// Pressed a button, or chose something in a message or modal.
    Pressed(Box<Press>),
    /// Typed into a select whose choices we provide.
    Options {
        /// Who.
        actor: Actor,
        /// The select.
        action_id: String,
        /// Its block.
        block_id: String,
        /// What was typed so far.
        query: String,
        /// The modal it is in.
        view: Option<View>,
    },
    /// An event of the Events API.
    Event {
        /// Its type, as a safe word.
        kind: String,
    },
    /// Something else, or something that lacks what it needs.
    Other {
        /// Its type, as a safe word.
        kind: String,
    },
}

/// A pressed button or a choice made.
#[derive(Clone, PartialEq, Eq)]
pub struct Press {
    /// Who.
    pub actor: Actor,
    /// The element.
    pub action_id: String,
    /// Its block.
    pub block_id: String,
    /// What a button carries.
    pub value: Option<String>,
    /// What was chosen, in an element that lets one choose.
    pub selected: Vec<String>,
    /// Opens a modal, for three seconds.
    pub trigger_id: String,
    /// The message it is in.
    pub place: Option<Place>,
    /// The message is shown to this person alone and can be changed by `response_url` only.
    pub is_ephemeral: bool,
    /// The modal it is in.
    pub view: Option<View>,
    /// All inputs of the message or modal.
    pub values: Values,
    /// Takes an answer, for half an hour.
    pub response_url: Option<String>,
}

/// A modal as Slack describes it.
#[derive(Clone, PartialEq, Eq)]
pub struct View {
    /// Slack's id.
    pub id: String,
    /// Our name for its kind.
    pub callback_id: String,
    /// What we put in it.
    pub private_metadata: String,
    /// Its version, for `views.update`.
    pub hash: Option<String>,
    /// What its inputs say.
    pub values: Values,
}

impl Inbound {
    /// A safe word for logs and metrics.
    pub fn kind(&self) -> &str {
        match self {
            Self::Command { .. } => "command",
            Self::Shortcut { .. } => "shortcut",
            Self::Submitted { .. } => "view_submission",
            Self::Closed { .. } => "view_closed",
            Self::Pressed(_) => "block_actions",
            Self::Options { .. } => "block_suggestion",
            Self::Event { .. } => "event",
            Self::Other { kind } => kind,
        }
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbound({})", self.kind())
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("id", &self.id).field("values", &self.values).finish_non_exhaustive()
    }
}

/// Reads one text frame.
pub fn read(text: &str) -> Frame {
    if text.len() > FRAME_LIMIT {
        return Frame::Unreadable("too large");
    }
    let Ok(Some(frame)) = serde_json::from_str::<wire::Loose<wire::Frame>>(text).map(|frame| frame.0)
    else {
        return Frame::Unreadable("not JSON, or not an object");
    };
    let kind = frame.kind.0.unwrap_or_default();
    match (kind.as_str(), frame.envelope_id.0) {
        ("hello", _) => Frame::Hello,
        ("disconnect", _) => {
            Frame::Disconnect { reason: safe_word(frame.reason.0.as_deref().unwrap_or("no reason")) }
        }
        (_, None) => Frame::Unreadable("no envelope_id"),
        (_, Some(id)) => Frame::Envelope {
            envelope: Box::new(Envelope {
                id: EnvelopeId::new(id),
                retry_attempt: frame.retry_attempt.0.unwrap_or(0),
                inbound: translate(&kind, frame.payload.0.unwrap_or_default()),
            }),
            accepts_payload: frame.accepts_response_payload.0.unwrap_or(false),
        },
    }
}

/// Turns a payload into our words; what lacks something essential is `Other`.
fn translate(envelope_kind: &str, payload: wire::Payload) -> Inbound {
    let kind = payload.kind.0.clone().unwrap_or_default();
    let read = match (envelope_kind, kind.as_str()) {
        ("slash_commands", _) => command(payload),
        ("interactive", "shortcut") => shortcut(payload),
        ("interactive", "view_submission") => {
            modal(payload).map(|(actor, view)| Inbound::Submitted { actor, view })
        }
        ("interactive", "view_closed") => {
            modal(payload).map(|(actor, view)| Inbound::Closed { actor, view })
        }
        ("interactive", "block_actions") => pressed(payload),
        ("interactive", "block_suggestion") => options(payload),
        ("events_api", _) => {
            let kind = payload.event.0.and_then(|event| event.kind.0).unwrap_or_default();
            return Inbound::Event { kind: safe_word(&kind) };
        }
        _ => None,
    };
    let named = if kind.is_empty() { envelope_kind } else { &kind };
    read.unwrap_or_else(|| Inbound::Other { kind: safe_word(named) })
}

fn command(payload: wire::Payload) -> Option<Inbound> {
    let team = payload.team_id.0.map(TeamId::new);
    Some(Inbound::Command {
        actor: Actor { user: UserId::new(payload.user_id.0?), workspace: team.clone(), team },
        channel: ChannelId::new(payload.channel_id.0?),
        command: payload.command.0?,
        text: payload.text.0.unwrap_or_default(),
        trigger_id: payload.trigger_id.0?,
        response_url: payload.response_url.0,
    })
}

fn shortcut(payload: wire::Payload) -> Option<Inbound> {
    Some(Inbound::Shortcut {
        actor: actor(&payload)?,
        callback_id: payload.callback_id.0?,
        trigger_id: payload.trigger_id.0?,
    })
}

fn modal(payload: wire::Payload) -> Option<(Actor, View)> {
    Some((actor(&payload)?, view(payload.view.0?)?))
}

fn options(payload: wire::Payload) -> Option<Inbound> {
    Some(Inbound::Options {
        actor: actor(&payload)?,
        action_id: payload.action_id.0?,
        block_id: payload.block_id.0.unwrap_or_default(),
        query: payload.value.0.unwrap_or_default(),
        view: payload.view.0.and_then(view),
    })
}

fn pressed(payload: wire::Payload) -> Option<Inbound> {
    let actor = actor(&payload)?;
    let place = place(&payload);
    let action = payload.actions.0.into_iter().next()?;
    let shown = payload.view.0.and_then(view);
    let of_message = payload.state.0.map(|state| Values::from(state.values));
    let inputs = of_message.or_else(|| shown.as_ref().map(|view| view.values.clone()));
    Some(Inbound::Pressed(Box::new(Press {
        actor,
        action_id: action.action_id.0.clone()?,
        block_id: action.block_id.0.clone().unwrap_or_default(),
        value: action.value.0.clone(),
        selected: action.chosen(),
        trigger_id: payload.trigger_id.0?,
        place,
        is_ephemeral: payload.container.0.is_some_and(|found| found.is_ephemeral.0.unwrap_or(false)),
        view: shown,
        values: inputs.unwrap_or_default(),
        response_url: payload.response_url.0,
    })))
}

/// The person's own team comes first: `team` may be null, or the workspace of somebody else.
fn actor(payload: &wire::Payload) -> Option<Actor> {
    let user = payload.user.0.as_ref()?;
    let team = payload.team.0.as_ref().and_then(|team| team.id.0.clone());
    let own = user.team_id.0.clone().or_else(|| team.clone());
    let installed = || {
        let view = payload.view.0.as_ref()?;
        view.app_installed_team_id.0.clone().or_else(|| view.team_id.0.clone())
    };
    Some(Actor {
        user: UserId::new(user.id.0.clone()?),
        team: own.map(TeamId::new),
        workspace: team.or_else(installed).map(TeamId::new),
    })
}

/// The message that was acted on; nothing when it was a modal.
fn place(payload: &wire::Payload) -> Option<Place> {
    let container = payload.container.0.as_ref();
    let is_view = container.is_some_and(|container| container.kind.0.as_deref() == Some("view"));
    if is_view {
        return None;
    }
    let channel = container
        .and_then(|container| container.channel_id.0.clone())
        .or_else(|| payload.channel.0.as_ref()?.id.0.clone())?;
    let ts = container
        .and_then(|container| container.message_ts.0.clone())
        .or_else(|| payload.message.0.as_ref()?.ts.0.clone())?;
    Some(Place { channel: ChannelId::new(channel), ts: MessageTs::new(ts) })
}

fn view(view: wire::View) -> Option<View> {
    Some(View {
        id: view.id.0?,
        callback_id: view.callback_id.0.unwrap_or_default(),
        private_metadata: view.private_metadata.0.unwrap_or_default(),
        hash: view.hash.0,
        values: view.state.0.map(|state| Values::from(state.values)).unwrap_or_default(),
    })
}

/// A word that may stand in a log line or a metric, whoever sent it.
fn safe_word(text: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ');
    let word: String = text.chars().filter(safe).take(40).collect();
    if word.is_empty() { "unknown".to_owned() } else { word }
}
