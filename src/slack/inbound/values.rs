//! What the inputs of a modal or message say.

use super::wire;
use std::collections::BTreeMap;
use std::fmt;

/// The texts of each element of each block.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Values(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Values {
    /// All that was entered or chosen in a block; empty when nothing was.
    pub fn texts(&self, block_id: &str) -> Vec<String> {
        self.0.get(block_id).into_iter().flat_map(BTreeMap::values).flatten().cloned().collect()
    }

    /// The first of [`Values::texts`].
    pub fn text(&self, block_id: &str) -> Option<&str> {
        self.0.get(block_id)?.values().flatten().next().map(String::as_str)
    }

    /// Whether the block has inputs at all, filled in or not.
    pub fn has(&self, block_id: &str) -> bool {
        self.0.contains_key(block_id)
    }

    /// The blocks that have inputs.
    pub fn blocks(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Builds values from (block, element, texts).
impl FromIterator<(String, String, Vec<String>)> for Values {
    fn from_iter<I: IntoIterator<Item = (String, String, Vec<String>)>>(inputs: I) -> Self {
        let mut values = Self::default();
        for (block, action, texts) in inputs {
            values.0.entry(block).or_default().insert(action, texts);
        }
        values
    }
}

impl From<wire::Blocks> for Values {
    fn from(blocks: wire::Blocks) -> Self {
        let texts = |inputs: wire::Inputs| {
            let inputs = inputs.0.unwrap_or_default().into_iter();
            inputs.map(|(action, input)| (action, input.0.unwrap_or_default().texts())).collect()
        };
        let blocks = blocks.0.unwrap_or_default().into_iter();
        Self(blocks.map(|(block, inputs)| (block, texts(inputs))).collect())
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Values({} blocks)", self.0.len())
    }
}
