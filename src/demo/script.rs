//! One whole request, played and told: ask, approve, hold, end.

use super::{Demo, holdings};
use crate::access::{Flow, RequestId, Span, Status, TargetKind};
use crate::sandbox::slack::Message;
use crate::slack::message;
use serde_json::{Map, Value};
use std::time::Duration;

/// Longer than anything on loopback takes; a story that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays one request with the first flow that grants something, telling each line to `tell`.
///
/// # Errors
/// Something did not happen; the text says what.
pub async fn play(demo: &Demo, tell: &mut (dyn FnMut(String) + Send)) -> Result<(), String> {
    let catalog = demo.engine.catalog();
    let mut flows = catalog.flows.iter().map(|entry| &entry.flow).filter(|flow| flow.asks_duration());
    let grants_set = |flow: &&Flow| flow.targets[0].kind == TargetKind::AwsSsoPermissionSet;
    let flow = flows.clone().find(grants_set).or_else(|| flows.next());
    let flow = flow.ok_or("none of these flows grants anything for a limited time")?;
    let story = Story { demo, flow };
    tell(format!("Ana types `/sym request {}` and sees this form:\n", flow.name));
    let view = story.opens_form().await?;
    tell(indent(&demo.stage.slack.shown_view(&view)));
    let request = story.submits(&view.id).await?;
    tell("\nShe fills it in and submits it. In the channel appears:\n".to_owned());
    tell(indent(&story.card(&request, |status| matches!(status, Status::Pending { .. })).await?));
    story.press("bo", "sym_approve", &request).await?;
    tell(
        "\nBo presses Approve. AWS is asked, and when it has confirmed, the same message says:\n".to_owned(),
    );
    tell(indent(&story.card(&request, |status| matches!(status, Status::Active { .. })).await?));
    tell("\nAna gets a direct message:\n".to_owned());
    tell(indent(&story.dm_about("You have").await?));
    tell("\nAWS holds now:\n".to_owned());
    tell(indent(&holdings(&demo.stage, &catalog).join("\n")));
    let duration = story.duration(&request)?;
    demo.clock.advance(duration + Span::seconds(1));
    demo.engine.wake();
    tell(format!("\n{duration} later nobody has to do anything. The message says:\n"));
    tell(indent(&story.card(&request, |status| matches!(status, Status::Ended { .. })).await?));
    let held = holdings(&demo.stage, &catalog);
    if !held.is_empty() {
        return Err(format!("AWS still holds: {}", held.join("; ")));
    }
    tell("\nAWS holds nothing.".to_owned());
    Ok(())
}

struct Story<'a> {
    demo: &'a Demo,
    flow: &'a Flow,
}

impl Story<'_> {
    fn user(&self, handle: &str) -> Result<String, String> {
        self.demo.stage.player(handle).map(|player| player.user.clone()).ok_or(format!("{handle} is missing"))
    }

    async fn opens_form(&self) -> Result<crate::sandbox::slack::View, String> {
        let ana = self.user("ana")?;
        let general = self.demo.stage.channel("general").ok_or("#general is missing")?;
        let slack = &self.demo.stage.slack;
        let text = format!("request {}", self.flow.name);
        slack.command(&ana, general, "/sym", &text).await.map_err(|refused| refused.to_string())?;
        let view = slack.until(PATIENCE, |slack| slack.view(&ana)).await;
        view.ok_or_else(|| "the form did not open".to_owned())
    }

    /// Fills in what must be filled in: choices take their first, texts a plausible word.
    async fn submits(&self, view: &str) -> Result<RequestId, String> {
        let ana = self.user("ana")?;
        let mut values = Map::new();
        for field in self.flow.fields.iter().filter(|field| field.visible && field.required) {
            if let Some(value) = plausible(field) {
                values.insert(field.label.clone(), value);
            }
        }
        let slack = &self.demo.stage.slack;
        if let [first, _, ..] = self.flow.targets.as_slice() {
            let label = self.flow.field("target_id").map_or("Target", |field| field.label.as_str());
            values.insert(label.to_owned(), first.label.clone().into());
        }
        let reply = slack.submit(&ana, view, values.into()).await.map_err(|refused| refused.to_string())?;
        if !reply.errors().is_empty() {
            return Err(format!("the form has errors: {:?}", reply.errors()));
        }
        let books = self.demo.engine.store();
        let mut requests: Vec<_> =
            books.requests().filter(|request| request.requester.user.as_str() == ana).collect();
        requests.sort_by_key(|request| request.made_at);
        requests.pop().map(|request| request.id).ok_or_else(|| "the request is not in the books".to_owned())
    }

    /// The card as Bo sees it, once the request is as it should be and the card shows it.
    async fn card(&self, id: &RequestId, is_there: impl Fn(&Status) -> bool) -> Result<String, String> {
        let (slack, books) = (&self.demo.stage.slack, self.demo.engine.store());
        let bo = self.user("bo")?;
        let shown = slack
            .until(PATIENCE, |slack| {
                let request = books.request(id).ok().flatten()?;
                let place = request.cards.iter().find_map(|card| card.place.clone())?;
                let all = slack.messages(place.channel.as_str());
                let card: Message = all.into_iter().find(|message| message.ts == place.ts.as_str())?;
                // Slack says when it shows something new; it does not say when the books know of it.
                let is_drawn = card.text == message::card(&request, &[]).text;
                (is_there(&request.status) && is_drawn).then(|| slack.shown(&bo, &card))
            })
            .await;
        shown.ok_or_else(|| {
            let status = books.request(id).ok().flatten().map(|request| format!("{:?}", request.status));
            format!("the card did not come to show it; the request is {}", status.unwrap_or_default())
        })
    }

    async fn press(&self, who: &str, action: &str, id: &RequestId) -> Result<(), String> {
        let request = self.demo.engine.store().request(id).ok().flatten().ok_or("the request is gone")?;
        let place = request.cards.iter().find_map(|card| card.place.clone()).ok_or("there is no card")?;
        let user = self.user(who)?;
        let slack = &self.demo.stage.slack;
        let (channel, ts) = (place.channel.as_str(), place.ts.as_str());
        slack
            .click(&user, channel, ts, action, id.as_str())
            .await
            .map(drop)
            .map_err(|refused| refused.to_string())
    }

    async fn dm_about(&self, words: &str) -> Result<String, String> {
        let ana = self.user("ana")?;
        let found = self.demo.stage.slack.until(PATIENCE, |slack| {
            let messages = slack.dms(&ana);
            messages.iter().map(|message| slack.shown(&ana, message)).find(|text| text.contains(words))
        });
        found.await.ok_or_else(|| "the direct message did not come".to_owned())
    }

    fn duration(&self, id: &RequestId) -> Result<Span, String> {
        let request = self.demo.engine.store().request(id).ok().flatten().ok_or("the request is gone")?;
        request.duration.ok_or_else(|| "the request has no duration".to_owned())
    }
}

fn plausible(field: &crate::access::PromptField) -> Option<Value> {
    use crate::access::FieldType;
    if matches!(field.name.as_str(), "target_id" | "duration") || field.default.is_some() {
        return None;
    }
    if let Some(first) = field.allowed_values.first() {
        return Some(first.clone().into());
    }
    Some(match field.field_type {
        _ if field.name == "account_id" => "777788889999".into(),
        FieldType::Text => "INC-42: the payment queue is stuck".into(),
        FieldType::Int => "42".into(),
        FieldType::IntList => "1, 2".into(),
        FieldType::TextList => "one, two".into(),
        FieldType::Duration => "1h".into(),
        FieldType::SlackUser | FieldType::SlackUserList => "bo".into(),
        FieldType::Bool => return None,
    })
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
