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

    /// The request or modal it is about, where the order of two deliveries can matter.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::Submitted { view, .. } | Self::Closed { view, .. } => Some(&view.id),
            Self::Pressed(press) => match &press.view {
                Some(view) => Some(&view.id),
                None => press.value.as_deref(),
            },
            Self::Options { .. }
            | Self::Command { .. }
            | Self::Shortcut { .. }
            | Self::Event { .. }
            | Self::Other { .. } => None,
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
    let Ok(Some(frame)) = serde_json::from_str::<wire::Loose<wire::Frame>>(text).map(|frame| frame.0) else {
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
        ("interactive", "view_closed") => modal(payload).map(|(actor, view)| Inbound::Closed { actor, view }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const ALL: &[(&str, &str)] = &[
        ("hello", include_str!("../../fixtures/slack/hello.json")),
        ("disconnect", include_str!("../../fixtures/slack/disconnect.json")),
        ("command", COMMAND),
        ("shortcut", SHORTCUT),
        ("view_submission", SUBMISSION),
        ("view_submission", ORG_SUBMISSION),
        ("view_closed", CLOSED),
        ("block_actions", CLICK),
        ("block_actions", CHOICE),
        ("block_suggestion", SUGGESTION),
        ("event", EVENT),
    ];
    const COMMAND: &str = include_str!("../../fixtures/slack/slash_command.json");
    const SHORTCUT: &str = include_str!("../../fixtures/slack/shortcut.json");
    const SUBMISSION: &str = include_str!("../../fixtures/slack/view_submission.json");
    const ORG_SUBMISSION: &str = include_str!("../../fixtures/slack/view_submission_org_install.json");
    const CLOSED: &str = include_str!("../../fixtures/slack/view_closed.json");
    const CLICK: &str = include_str!("../../fixtures/slack/block_actions_message.json");
    const CHOICE: &str = include_str!("../../fixtures/slack/block_actions_view.json");
    const SUGGESTION: &str = include_str!("../../fixtures/slack/block_suggestion.json");
    const EVENT: &str = include_str!("../../fixtures/slack/event.json");

    fn envelope(text: &str) -> Envelope {
        match read(text) {
            Frame::Envelope { envelope, .. } => *envelope,
            other => panic!("no envelope: {other:?}"),
        }
    }

    /// The inbound of a fixture after a change.
    fn changed(text: &str, change: impl FnOnce(&mut Value)) -> Inbound {
        let mut frame: Value = serde_json::from_str(text).expect("a fixture is JSON");
        change(&mut frame);
        envelope(&frame.to_string()).inbound
    }

    fn ana() -> Actor {
        let home = TeamId::new("T0SYMHOME1");
        Actor { user: UserId::new("U0ANA00001"), team: Some(home.clone()), workspace: Some(home) }
    }

    #[test]
    fn every_kind_is_known_by_its_fixture() {
        for (kind, text) in ALL {
            let found = match read(text) {
                Frame::Hello => "hello".to_owned(),
                Frame::Disconnect { reason } => {
                    assert_eq!(reason, "refresh_requested");
                    "disconnect".to_owned()
                }
                Frame::Envelope { envelope, .. } => envelope.inbound.kind().to_owned(),
                Frame::Unreadable(why) => why.to_owned(),
            };
            assert_eq!(&found, kind);
        }
    }

    #[test]
    fn a_command_says_who_where_and_what() {
        let Frame::Envelope { envelope, accepts_payload } = read(COMMAND) else { panic!("no envelope") };
        assert!(accepts_payload);
        assert_eq!(envelope.id, EnvelopeId::new("1d3c79ab-0ffb-41f3-a080-d19e85f53649"));
        let Inbound::Command { actor, channel, command, text, trigger_id, response_url } = envelope.inbound
        else {
            panic!("no command")
        };
        assert!(actor == ana());
        assert_eq!(
            (channel.as_str(), command.as_str(), text.as_str()),
            ("C0OPSCHAN1", "/sym", "request prod-admin")
        );
        assert!(trigger_id.starts_with("1234567890."));
        assert!(response_url.is_some_and(|url| url.starts_with("https://hooks.slack.com/commands/")));
    }

    #[test]
    fn a_shortcut_opens_a_modal() {
        let Inbound::Shortcut { actor, callback_id, trigger_id } = envelope(SHORTCUT).inbound else {
            panic!("no shortcut")
        };
        assert!(actor == ana());
        assert_eq!(callback_id, "request_access");
        assert!(!trigger_id.is_empty());
    }

    #[test]
    fn inputs_of_every_type_become_texts() {
        let Inbound::Submitted { actor, view } = envelope(SUBMISSION).inbound else {
            panic!("no submission")
        };
        assert!(actor == ana());
        assert_eq!(view.callback_id, "request");
        assert_eq!(view.private_metadata, r#"{"flow":"aws"}"#);
        assert_eq!(view.hash.as_deref(), Some("1763620000.abcDEF12"));
        let expected: &[(&str, &[&str])] = &[
            ("target", &["prod-admin"]),
            ("who", &["U0BO000001", "U0CY000001"]),
            ("one", &["U0BO000001"]),
            ("tags", &["a", "b"]),
            ("boxes", &[]),
            ("radio", &[]),
            ("far", &["acct-12"]),
            ("hours", &["3"]),
            ("day", &["2026-11-20"]),
            ("hour", &["13:37"]),
            ("moment", &["1763640000"]),
            ("room", &["C0OPSCHAN1"]),
            ("rooms", &["C0OPSCHAN1", "C0DEVCHAN1"]),
            ("reason", &["INC-42: the disk is full"]),
            ("empty", &[]),
            ("rich", &["see https://example.com/42\nand hurry"]),
        ];
        for (block, texts) in expected {
            assert_eq!(&view.values.texts(block), texts, "{block}");
            assert_eq!(view.values.text(block), texts.first().copied(), "{block}");
            assert!(view.values.has(block), "{block}");
        }
        assert_eq!(view.values.blocks().count(), expected.len());
        assert_eq!(view.values.texts("no such block"), Vec::<String>::new());
    }

    #[test]
    fn a_null_team_is_no_reason_to_lose_a_submission() {
        let Inbound::Submitted { actor, .. } = envelope(ORG_SUBMISSION).inbound else { panic!("lost") };
        assert!(actor == ana(), "own team from the user, workspace from the view");
        let bare = changed(ORG_SUBMISSION, |frame| {
            frame["payload"]["user"]["team_id"] = Value::Null;
            frame["payload"]["view"]["app_installed_team_id"] = Value::Null;
            frame["payload"]["view"]["team_id"] = Value::Null;
        });
        let Inbound::Submitted { actor, .. } = bare else { panic!("lost") };
        assert!(actor.team.is_none() && actor.workspace.is_none());
    }

    #[test]
    fn a_click_keeps_the_persons_team_apart_from_the_workspace() {
        let Inbound::Pressed(press) = envelope(CLICK).inbound else { panic!("no click") };
        assert_eq!(press.actor.team, Some(TeamId::new("T0PARTNER1")));
        assert_eq!(press.actor.workspace, Some(TeamId::new("T0SYMHOME1")));
        assert_eq!((press.action_id.as_str(), press.block_id.as_str()), ("approve", "decide"));
        assert_eq!(press.value.as_deref(), Some("r7k2m9q4x1p3z"));
        let place = Place { channel: "C0OPSCHAN1".into(), ts: "1763620001.000200".into() };
        assert_eq!(press.place, Some(place));
        assert!(press.view.is_none() && !press.is_ephemeral && press.response_url.is_some());
        assert_eq!(press.values.texts("comment"), ["go ahead"]);
    }

    #[test]
    fn a_click_without_a_container_is_found_by_its_message() {
        let found = changed(CLICK, |frame| {
            frame["payload"].as_object_mut().expect("a payload").remove("container");
        });
        let Inbound::Pressed(press) = found else { panic!("no click") };
        assert_eq!(press.place.map(|place| place.ts), Some("1763620001.000200".into()));
    }

    #[test]
    fn a_choice_in_a_modal_sees_the_other_inputs() {
        let Inbound::Pressed(press) = envelope(CHOICE).inbound else { panic!("no choice") };
        assert_eq!(press.selected, ["prod-admin"]);
        assert_eq!(press.value, None);
        assert_eq!(press.place, None);
        assert_eq!(press.values.texts("reason"), ["INC-42: the disk is full"]);
        assert_eq!(press.view.map(|view| view.id).as_deref(), Some("V0VIEW0001"));
    }

    #[test]
    fn a_suggestion_asks_for_what_was_typed() {
        let Inbound::Options { action_id, block_id, query, view, .. } = envelope(SUGGESTION).inbound else {
            panic!("no suggestion")
        };
        assert_eq!((action_id.as_str(), block_id.as_str(), query.as_str()), ("pick", "far", "acc"));
        assert_eq!(view.map(|view| view.values.texts("target")), Some(vec!["prod-admin".to_owned()]));
    }

    #[test]
    fn a_second_delivery_says_so() {
        let found = envelope(EVENT);
        assert_eq!(found.retry_attempt, 1);
        assert!(found.inbound == Inbound::Event { kind: "app_home_opened".to_owned() });
    }

    #[test]
    fn what_lacks_something_or_is_unknown_is_other_and_can_be_acknowledged() {
        for field in ["user", "trigger_id", "actions"] {
            let found = changed(CLICK, |frame| frame["payload"][field] = json!([[], 1, null]));
            assert!(found == Inbound::Other { kind: "block_actions".to_owned() }, "{field}");
        }
        let found = changed(CLICK, |frame| frame["payload"]["type"] = json!("message_action"));
        assert!(found == Inbound::Other { kind: "message_action".to_owned() });
        let found = changed(CLICK, |frame| frame["type"] = json!("new\nthing <script> \u{202e}"));
        assert!(found == Inbound::Other { kind: "block_actions".to_owned() });
        let found = changed(CLICK, |frame| {
            frame["type"] = json!("new\nthing <script>");
            frame["payload"] = json!("text");
        });
        assert!(found == Inbound::Other { kind: "newthing script".to_owned() });
    }

    #[test]
    fn hostile_frames_are_not_read() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let nested = format!(r#"{{"envelope_id":"e","type":"interactive","payload":{{"user":{deep}}}}}"#);
        let huge = format!(r#"{{"type":"hello","x":"{}"}}"#, "x".repeat(FRAME_LIMIT));
        let long_id = format!(r#"{{"envelope_id":"{}","type":"interactive"}}"#, "e".repeat(256));
        for text in ["", "null", "7", "[]", "{", "{}", "\"hello\"", "[\"hello\"]", &deep, &huge, &long_id] {
            assert!(matches!(read(text), Frame::Unreadable(_)), "{text:.40}");
        }
        // What is ignored is skipped without recursion, whatever its depth.
        assert!(matches!(read(&nested), Frame::Unreadable(_) | Frame::Envelope { .. }));
        let twice = r#"{"envelope_id":"a","envelope_id":"b","type":"interactive"}"#;
        assert!(matches!(read(twice), Frame::Unreadable(_)));
    }

    #[test]
    fn rich_text_may_be_as_deep_as_json_may() {
        let deep = format!("{}{}", r#"{"elements":["#.repeat(40), "]}".repeat(40));
        let text = SUBMISSION.replacen(
            r#""rich_text_value": {"#,
            &format!(r#""rich_text_value": {deep}, "x": {{"#),
            1,
        );
        assert_eq!(envelope(&text).inbound.kind(), "view_submission");
    }

    #[test]
    fn too_much_of_something_is_cut_or_missing() {
        let found = changed(COMMAND, |frame| frame["payload"]["text"] = json!("x".repeat(20_000)));
        let Inbound::Command { text, .. } = found else { panic!("no command") };
        assert!(text.is_empty());
        let many = vec![json!({ "value": "v" }); 5_000];
        let found = changed(SUBMISSION, |frame| {
            frame["payload"]["view"]["state"]["values"]["tags"]["pick"]["selected_options"] = json!(many);
        });
        let Inbound::Submitted { view, .. } = found else { panic!("no submission") };
        assert_eq!(view.values.texts("tags").len(), 1_000);
    }

    #[test]
    fn logs_show_no_content() {
        for (_, text) in ALL {
            let shown = format!("{:?}", read(text));
            for secret in ["INC-42", "notarealsecret", "prod-admin", "1234567890.", "go ahead"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map("[a-z_]{1,12}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Puts something else into the n-th place of a value.
    fn replace(value: &mut Value, left: &mut usize, with: &Value) {
        if *left == 0 {
            *left = usize::MAX;
            *value = with.clone();
            return;
        }
        *left = left.saturating_sub(usize::from(*left != usize::MAX));
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, left, with)),
            Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, left, with)),
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn a_changed_payload_never_panics_and_keeps_its_name(
            which in 0..ALL.len(), places in prop::collection::vec((0..120_usize, anything()), 1..4)
        ) {
            let mut frame: Value = serde_json::from_str(ALL[which].1).expect("a fixture is JSON");
            let id = frame["envelope_id"].clone();
            for (place, with) in &places {
                replace(&mut frame["payload"], &mut place.clone(), with);
            }
            match read(&frame.to_string()) {
                Frame::Envelope { envelope, .. } => prop_assert_eq!(json!(envelope.id), id),
                Frame::Unreadable(why) => prop_assert!(id.is_null(), "{}", why),
                Frame::Hello | Frame::Disconnect { .. } => prop_assert!(id.is_null()),
            }
        }

        #[test]
        fn damaged_text_never_panics(
            which in 0..ALL.len(), at in any::<prop::sample::Index>(), with in ".{0,4}", cut in any::<bool>()
        ) {
            let text = ALL[which].1;
            let at = (0..=at.index(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let rest = if cut { "" } else { &text[at..] };
            let _ = read(&format!("{}{with}{rest}", &text[..at]));
        }
    }
}
