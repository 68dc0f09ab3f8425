//! Slack's JSON, read loosely: a value of the wrong type counts as missing.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Longer ids are not Slack's: its own limit for what we choose (`action_id`, …) is 255.
const ID: usize = 255;
/// Slack allows 3,000 characters in what people enter and in `private_metadata`.
const PROSE: usize = 12_000;
/// More entries than any select or message has.
const ENTRIES: usize = 1_000;

/// An id: missing when it is too long.
pub(super) type Id = Text<ID>;
/// What people write.
pub(super) type Prose = Text<PROSE>;
/// Elements by block and name.
pub(super) type Blocks = Loose<BTreeMap<String, Inputs>>;
/// Elements by name.
pub(super) type Inputs = Loose<BTreeMap<String, Loose<Input>>>;

/// A string of at most `MAX` bytes, or a number as text.
#[derive(Default, Clone)]
pub(super) struct Text<const MAX: usize>(pub(super) Option<String>);

/// A small number.
#[derive(Default)]
pub(super) struct Number(pub(super) Option<u32>);

/// Yes or no.
#[derive(Default)]
pub(super) struct Flag(pub(super) Option<bool>);

/// An object.
pub(super) struct Loose<T>(pub(super) Option<T>);

/// The objects of an array.
pub(super) struct List<T>(pub(super) Vec<T>);

/// The strings of an array.
#[derive(Default)]
pub(super) struct Words(Vec<String>);

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    #[serde(rename = "type")]
    pub(super) kind: Id,
    pub(super) envelope_id: Id,
    pub(super) payload: Loose<Payload>,
    pub(super) accepts_response_payload: Flag,
    pub(super) retry_attempt: Number,
    pub(super) reason: Id,
}

/// The fields of all kinds of payloads.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(rename = "type")]
    pub(super) kind: Id,
    pub(super) user_id: Id,
    pub(super) team_id: Id,
    pub(super) channel_id: Id,
    pub(super) command: Id,
    pub(super) text: Prose,
    pub(super) trigger_id: Id,
    pub(super) response_url: Prose,
    pub(super) callback_id: Id,
    pub(super) user: Loose<User>,
    pub(super) team: Loose<Named>,
    pub(super) channel: Loose<Named>,
    pub(super) container: Loose<Container>,
    pub(super) message: Loose<Stamped>,
    pub(super) view: Loose<View>,
    pub(super) state: Loose<State>,
    pub(super) actions: List<Input>,
    pub(super) action_id: Id,
    pub(super) block_id: Id,
    pub(super) value: Prose,
    pub(super) event: Loose<Kind>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    pub(super) id: Id,
    pub(super) team_id: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    pub(super) id: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Stamped {
    pub(super) ts: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Kind {
    #[serde(rename = "type")]
    pub(super) kind: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    #[serde(rename = "type")]
    pub(super) kind: Id,
    pub(super) channel_id: Id,
    pub(super) message_ts: Id,
    pub(super) is_ephemeral: Flag,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct View {
    pub(super) id: Id,
    pub(super) team_id: Id,
    pub(super) app_installed_team_id: Id,
    pub(super) callback_id: Id,
    pub(super) private_metadata: Prose,
    pub(super) hash: Id,
    pub(super) state: Loose<State>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) values: Blocks,
}

/// An element of `actions`, or of a state.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    pub(super) action_id: Id,
    pub(super) block_id: Id,
    pub(super) value: Prose,
    selected_option: Loose<Choice>,
    selected_options: List<Choice>,
    selected_user: Id,
    selected_users: Words,
    selected_conversation: Id,
    selected_conversations: Words,
    selected_channel: Id,
    selected_channels: Words,
    selected_date: Id,
    selected_time: Id,
    selected_date_time: Id,
    rich_text_value: Loose<Rich>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Choice {
    value: Prose,
}

/// Rich text, of which only the words count.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Rich {
    text: Prose,
    url: Prose,
    elements: List<Rich>,
}

impl Input {
    /// What was chosen in a select, checkboxes, radio buttons or a picker.
    pub(super) fn chosen(self) -> Vec<String> {
        let options = self.selected_option.0.into_iter().chain(self.selected_options.0);
        let mut texts: Vec<String> = options.filter_map(|option| option.value.0).collect();
        let one = [
            self.selected_user,
            self.selected_conversation,
            self.selected_channel,
            self.selected_date,
            self.selected_time,
            self.selected_date_time,
        ];
        texts.extend(one.into_iter().filter_map(|text| text.0));
        let many = [self.selected_users, self.selected_conversations, self.selected_channels];
        texts.extend(many.into_iter().flat_map(|words| words.0));
        texts
    }

    /// What was entered or chosen.
    pub(super) fn texts(mut self) -> Vec<String> {
        let typed = self.value.0.take();
        let rich = self.rich_text_value.0.take().map(|rich| {
            let mut text = String::new();
            rich.write(&mut text);
            text
        });
        let entered = typed.into_iter().chain(rich).filter(|text| !text.is_empty());
        entered.chain(self.chosen()).collect()
    }
}

impl Rich {
    /// Appends the words, a line for each section. Depth is bounded by the JSON reader.
    fn write(&self, out: &mut String) {
        if let Some(text) = self.text.0.as_ref().or(self.url.0.as_ref()) {
            out.push_str(text);
        }
        for (number, element) in self.elements.0.iter().enumerate() {
            if number > 0 && !element.elements.0.is_empty() {
                out.push('\n');
            }
            element.write(out);
        }
    }
}

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Implements the visits that end in "missing", except those given.
macro_rules! missing {
    ($value:expr; $($visit:ident($type:ty)),*) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> { Ok($value) })*
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> { Ok($value) }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("anything") }
    };
}

fn skip_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_seq<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<const MAX: usize>;
        impl<'de, const MAX: usize> Visitor<'de> for Read<MAX> {
            type Value = Text<MAX>;
            missing!(Text(None); visit_bool(bool), visit_f64(f64));
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text((text.len() <= MAX).then(|| text.to_owned())))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Text(Some(number.to_string())))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Text(Some(number.to_string())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                skip_map(map).map(|()| Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Text(None))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::<10>::deserialize(deserializer)?;
        Ok(Self(text.0.and_then(|text| text.parse().ok())))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Flag;
            missing!(Flag(None); visit_f64(f64), visit_u64(u64), visit_i64(i64), visit_str(&str));
            fn visit_bool<E: Error>(self, flag: bool) -> Result<Self::Value, E> {
                Ok(Flag(Some(flag)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                skip_map(map).map(|()| Flag(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Flag(None))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Loose<T>;
            missing!(Loose(None);
                visit_bool(bool), visit_f64(f64), visit_u64(u64), visit_i64(i64), visit_str(&str));
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|value| Loose(Some(value)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                skip_seq(seq).map(|()| Loose(None))
            }
        }
        deserializer.deserialize_any(Read(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        collect::<D, Loose<T>>(deserializer)
            .map(|found| Self(found.into_iter().filter_map(|one| one.0).collect()))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        collect::<D, Id>(deserializer).map(|found| Self(found.into_iter().filter_map(|one| one.0).collect()))
    }
}

/// The first entries of an array; nothing of anything else.
fn collect<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Read<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
        type Value = Vec<T>;
        missing!(Vec::new();
            visit_bool(bool), visit_f64(f64), visit_u64(u64), visit_i64(i64), visit_str(&str));
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            skip_map(map).map(|()| Vec::new())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut found = Vec::new();
            while found.len() < ENTRIES {
                match seq.next_element()? {
                    Some(one) => found.push(one),
                    None => return Ok(found),
                }
            }
            skip_seq(seq).map(|()| found)
        }
    }
    deserializer.deserialize_any(Read(PhantomData))
}
