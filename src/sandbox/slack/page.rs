//! The web page where people act, and the JSON behind it.
use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::Slack;
use super::server::{self, Answer, Asked, Dropped};

/// A button of the embedder, such as "skip 10 minutes".
#[derive(Clone, Debug)]
pub struct Control {
    /// Given back when it is pressed.
    pub id: String,
    /// What is on it.
    pub label: String,
}

type Side = Arc<dyn Fn() -> Value + Send + Sync>;
type Press = Arc<dyn Fn(&str) -> BoxFuture<'static, String> + Send + Sync>;

#[derive(Default)]
pub(super) struct Slots {
    pub(super) side: Option<Side>,
    pub(super) notice: String,
    pub(super) controls: Vec<Control>,
    pub(super) press: Option<Press>,
}

impl Slack {
    /// What the side panel shows: `{title, sections: [{heading, lines: […]}]}`.
    pub fn set_side_panel(&self, side: Side) {
        super::lock(&self.hub.page).side = Some(side);
    }

    /// A hint at the top of the page; empty hides it.
    pub fn set_notice(&self, text: &str) {
        text.clone_into(&mut super::lock(&self.hub.page).notice);
        self.touch();
    }

    /// Buttons on the page, and what happens when one is pressed; the text it gives is shown.
    pub fn set_controls(&self, controls: Vec<Control>, press: Press) {
        let mut slots = super::lock(&self.hub.page);
        slots.controls = controls;
        slots.press = Some(press);
    }
}

pub(super) async fn handle(_slack: &Slack, _path: &str, _asked: Asked) -> Result<Answer, Dropped> {
    Ok(server::json(StatusCode::NOT_FOUND, &json!({ "error": "not found" })))
}
