//! The people: they go on asking and deciding, whether the bot lives or not, and remember what they were
//! promised.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use sym::demo::Stage;
use sym::sandbox::slack::{Message, Person, Slack};
use tokio::task::JoinHandle;

/// Longer than anything takes that happens at all, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// People who ask, beside those of the stage.
const PEOPLE: usize = 8;

/// Everybody, and what they were promised.
pub(super) struct Crowd {
    pub(super) stage: Stage,
    pub(super) people: Vec<String>,
    memory: Mutex<Memory>,
    goes_home: AtomicBool,
}

/// What somebody has seen.
#[derive(Default)]
pub(super) struct Memory {
    /// Forms that were acknowledged, by person.
    pub(super) forms: BTreeMap<String, usize>,
    /// Buttons that were pressed, by request.
    pub(super) presses: BTreeMap<String, Vec<Press>>,
}

/// A button that was pressed on a card.
#[derive(Debug, Clone)]
pub(super) struct Press {
    pub(super) action: &'static str,
    pub(super) by: String,
    pub(super) acked: bool,
}

impl Crowd {
    pub(super) fn gather(stage: Stage) -> Self {
        let store = stage.store_of("arn:aws:sso:::instance/ssoins-1111111111111111").unwrap();
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let handle = format!("person{number}");
            let email = format!("{handle}@example.com");
            let user = stage.slack.add_person(Person::new(&handle));
            stage.aws.add_sso_user(
                store,
                &format!("{number:08}-3333-4333-8444-555555555555"),
                &email,
                &email,
            );
            stage.aws.add_iam_user("111122223333", &email);
            for channel in ["general", "access-requests"] {
                stage.slack.add_member(stage.channel(channel).unwrap(), &user);
            }
            people.push(user);
        }
        Self { stage, people, memory: Mutex::default(), goes_home: AtomicBool::new(false) }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// All calls of all bots.
    pub(super) fn calls(&self) -> u64 {
        self.stage.aws.call_count() + self.stage.slack.calls().len() as u64
    }

    /// Nobody begins anything new.
    pub(super) fn goes_home(&self) {
        self.goes_home.store(true, Ordering::SeqCst);
    }

    /// Everybody sets to work.
    pub(super) fn start(self: &Arc<Self>, seed: u64) -> Vec<JoinHandle<()>> {
        let work = |number: usize| {
            let crowd = Arc::clone(self);
            let chance = StdRng::seed_from_u64(seed ^ number as u64);
            tokio::spawn(async move { crowd.works(number, chance).await })
        };
        (0..PEOPLE).map(work).collect()
    }

    async fn works(&self, number: usize, mut chance: StdRng) {
        let me = self.people[number].clone();
        // Cards that say nothing new to me.
        let mut done = BTreeSet::new();
        while !self.goes_home.load(Ordering::SeqCst) {
            let card = self.cards(&me, "sym_approve").into_iter().find(|card| !done.contains(&card.ts));
            let card = match card {
                Some(card) => card,
                None => match self.asks(&me, &mut chance).await {
                    Some(card) => card,
                    None => continue,
                },
            };
            if self.decides(number, &card, &mut chance).await {
                done.insert(card.ts.clone());
            }
            if chance.random_bool(0.3) {
                self.gives_back(&me).await;
            }
        }
    }

    /// Asks for something; the card, unless the bot died on the way.
    async fn asks(&self, me: &str, chance: &mut StdRng) -> Option<Message> {
        let slack = &self.stage.slack;
        slack.until(PATIENCE, |slack| (self.is_over() || slack.connections() > 0).then_some(())).await?;
        if let Some(view) = slack.view(me) {
            // The form's bot may be dead.
            drop(slack.close(me, &view.id).await);
        }
        let general = self.stage.channel("general").unwrap();
        let flow = if chance.random_bool(0.7) { "sso" } else { "iam" };
        let typed = slack.command(me, general, "/sym", &format!("request {flow}")).await.unwrap();
        if !typed.acked {
            return None;
        }
        let form = |slack: &Slack| match slack.view(me) {
            Some(view) => Some(Some(view)),
            None => (slack.connections() == 0).then_some(None),
        };
        let view = slack.until(PATIENCE, form).await.expect("a bot that lives opens the form")?;
        let span = if chance.random_bool(0.5) { "1s" } else { "2s" };
        let mut answers = json!({ "Duration": span });
        if flow == "sso" {
            answers["Target"] = if chance.random_bool(0.7) { "Admin" } else { "Support" }.into();
        }
        let known: BTreeSet<String> = self.cards(me, "").into_iter().map(|card| card.ts).collect();
        let sent = slack.submit(me, &view.id, answers).await.ok()?;
        if !sent.acked || !sent.errors().is_empty() {
            return None;
        }
        *self.memory().forms.entry(me.to_owned()).or_default() += 1;
        // Acknowledged is promised: however often the bot dies, the card comes.
        let card = |_: &Slack| self.cards(me, "").into_iter().find(|card| !known.contains(&card.ts));
        let card = slack.until(PATIENCE, card).await;
        Some(card.unwrap_or_else(|| panic!("{me} was acknowledged a form, and no card came")))
    }

    /// Somebody presses a button on my card; whether that was heard.
    async fn decides(&self, number: usize, card: &Message, chance: &mut StdRng) -> bool {
        let other = &self.people[(number + 1 + chance.random_range(0..PEOPLE - 1)) % PEOPLE];
        let (action, by) = match chance.random_range(0..20) {
            0 => ("sym_deny", other),
            1 | 2 => ("sym_withdraw", &self.people[number]),
            _ => ("sym_approve", other),
        };
        let (heard, is_there) = self.presses(by, action, card).await;
        // Two at once, now and then.
        if heard && chance.random_bool(0.2) {
            let _ = self.presses(&self.people[(number + 2) % PEOPLE], "sym_approve", card).await;
        }
        heard || !is_there
    }

    /// Ends what I have, if I have something.
    async fn gives_back(&self, me: &str) {
        if let Some(card) = self.cards(me, "sym_revoke").into_iter().next_back() {
            let _ = self.presses(me, "sym_revoke", &card).await;
        }
    }

    /// Whether the bot acknowledged it, and whether the button was there at all.
    async fn presses(&self, by: &str, action: &'static str, card: &Message) -> (bool, bool) {
        let slack = &self.stage.slack;
        slack.until(PATIENCE, |slack| (self.is_over() || slack.connections() > 0).then_some(())).await;
        let message = slack.messages(&card.channel).into_iter().find(|message| message.ts == card.ts);
        let Some(request) = message.and_then(|message| value_of(&message.blocks, action)) else {
            return (false, false);
        };
        // Remembered before it is pressed: a press that nobody answers may have been heard.
        let at = {
            let mut memory = self.memory();
            let presses = memory.presses.entry(request.clone()).or_default();
            presses.push(Press { action, by: by.to_owned(), acked: false });
            presses.len() - 1
        };
        let acked =
            slack.click(by, &card.channel, &card.ts, action, &request).await.is_ok_and(|reply| reply.acked);
        if let Some(press) = self.memory().presses.get_mut(&request).and_then(|presses| presses.get_mut(at)) {
            press.acked = acked;
        }
        (acked, true)
    }

    fn is_over(&self) -> bool {
        self.goes_home.load(Ordering::SeqCst)
    }

    /// The cards of a person's requests that have such a button; all with an empty action.
    fn cards(&self, user: &str, action: &str) -> Vec<Message> {
        let mut cards = self.stage.slack.messages(self.stage.channel("access-requests").unwrap());
        let is_mine =
            |card: &Message| card.text.split_once("<@").is_some_and(|(_, rest)| rest.starts_with(user));
        cards.retain(|card| is_mine(card) && (action.is_empty() || value_of(&card.blocks, action).is_some()));
        cards
    }
}

/// The value of a button in some blocks: the request it is about.
fn value_of(blocks: &Value, action: &str) -> Option<String> {
    let elements = blocks.as_array()?.iter().filter_map(|block| block["elements"].as_array()).flatten();
    let mut buttons = elements.filter(|element| element["action_id"] == action);
    buttons.next().and_then(|button| button["value"].as_str()).map(str::to_owned)
}
