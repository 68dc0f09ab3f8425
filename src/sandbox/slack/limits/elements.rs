//! Block elements: which may be in which block, and what each may hold.
use serde_json::Value;

use super::{Check, ID, Surface};

mod kinds;

const BUTTON_TEXT: usize = 75;
const BUTTON_VALUE: usize = 2000;
const PLACEHOLDER: usize = 150;
const TYPED: u64 = 3000;
const BOXES: usize = 10;
const OVERFLOW: usize = 5;
const OPTIONS: usize = 100;

impl Check {
    /// An element in a block of this type.
    pub(super) fn element(&mut self, at: &str, element: &Value, block: &str, surface: Surface) {
        let name = element["type"].as_str().unwrap_or_default();
        let Some((keys, blocks)) = kinds::kind(name) else {
            return self.add(&format!("{at}/type"), format!("unsupported type: {name}"));
        };
        if !blocks.contains(&block[..1]) {
            return self.add(at, format!("{name} is not allowed in a {block} block"));
        }
        let typed = ["number_input", "email_text_input", "url_text_input"].contains(&name);
        if typed && surface == Surface::Message {
            self.add(at, format!("{name} is not allowed in a message"));
        }
        let own: &[&str] = if name == "image" { &["type"] } else { &["type", "action_id"] };
        self.object(at, element, &[own, keys].concat());
        self.common(at, element);
        match name {
            "image" => self.image(at, element),
            "button" => self.button(at, element),
            "overflow" => {
                self.options(at, element, OVERFLOW);
            }
            "checkboxes" | "radio_buttons" => self.choice(at, element, BOXES),
            "static_select" | "multi_static_select" => self.choice(at, element, OPTIONS),
            "external_select" | "multi_external_select" => self.preset(at, element),
            "multi_users_select" => self.people(at, element),
            "plain_text_input" => self.typing(at, element),
            "number_input" => self.number(at, element),
            _ => self.initial_text(at, element),
        }
    }

    /// What elements share.
    fn common(&mut self, at: &str, element: &Value) {
        self.string(&format!("{at}/action_id"), &element["action_id"], 0..=ID, false);
        self.confirm(&format!("{at}/confirm"), &element["confirm"]);
        self.plain(&format!("{at}/placeholder"), &element["placeholder"], 1..=PLACEHOLDER, false);
        self.flag(&format!("{at}/focus_on_load"), &element["focus_on_load"]);
        self.focused += usize::from(element["focus_on_load"] == true);
        self.whole(&format!("{at}/max_selected_items"), &element["max_selected_items"], 1, u64::MAX);
        self.whole(&format!("{at}/min_query_length"), &element["min_query_length"], 0, u64::MAX);
        self.dispatch(&format!("{at}/dispatch_action_config"), &element["dispatch_action_config"]);
    }

    fn button(&mut self, at: &str, button: &Value) {
        self.plain(&format!("{at}/text"), &button["text"], 1..=BUTTON_TEXT, true);
        self.string(&format!("{at}/value"), &button["value"], 0..=BUTTON_VALUE, false);
        self.url(&format!("{at}/url"), &button["url"]);
        self.style(&format!("{at}/style"), &button["style"]);
        self.string(&format!("{at}/accessibility_label"), &button["accessibility_label"], 1..=75, false);
    }

    /// Options, and initial ones that must be exactly among them.
    fn choice(&mut self, at: &str, element: &Value, most: usize) {
        let options = self.options(at, element, most);
        let one = element.get("initial_option").into_iter();
        let many = element.get("initial_options");
        if let Some(many) = many.filter(|many| !many.is_null()) {
            self.list(&format!("{at}/initial_options"), many, 1..=most);
            self.at_most(at, element, many);
        }
        let many = many.and_then(Value::as_array).into_iter().flatten();
        for option in one.chain(many).filter(|option| !option.is_null()) {
            if !options.contains(option) {
                self.add(
                    &format!("{at}/initial_option"),
                    "initial option must exactly match one of the options",
                );
            }
        }
    }

    /// Initial options of a select that fetches its options: each must be an option.
    fn preset(&mut self, at: &str, element: &Value) {
        let name = element["type"].as_str().unwrap_or_default();
        if let Some(option) = element.get("initial_option").filter(|option| !option.is_null()) {
            self.option(&format!("{at}/initial_option"), option, name);
        }
        if let Some(many) = element.get("initial_options").filter(|many| !many.is_null()) {
            let list = self.list(&format!("{at}/initial_options"), many, 1..=OPTIONS);
            for (n, option) in list.iter().enumerate() {
                self.option(&format!("{at}/initial_options/{n}"), option, name);
            }
            self.at_most(at, element, many);
        }
    }

    fn people(&mut self, at: &str, element: &Value) {
        let given = &element["initial_users"];
        if !given.is_null() {
            self.list(&format!("{at}/initial_users"), given, 0..=usize::MAX);
            self.at_most(at, element, given);
        }
    }

    fn at_most(&mut self, at: &str, element: &Value, given: &Value) {
        let most = element["max_selected_items"].as_u64().unwrap_or(u64::MAX);
        if given.as_array().is_some_and(|list| list.len() as u64 > most) {
            self.add(at, "more initial items than max_selected_items");
        }
    }

    fn typing(&mut self, at: &str, element: &Value) {
        self.flag(&format!("{at}/multiline"), &element["multiline"]);
        self.whole(&format!("{at}/min_length"), &element["min_length"], 0, TYPED);
        self.whole(&format!("{at}/max_length"), &element["max_length"], 1, TYPED);
        let least = element["min_length"].as_u64().unwrap_or(0);
        let most = element["max_length"].as_u64().unwrap_or(TYPED);
        if least > most {
            self.add(at, "min_length must not be greater than max_length");
        }
        self.initial_text(at, element);
        let typed = element["initial_value"].as_str().unwrap_or_default().chars().count() as u64;
        if typed > most {
            self.add(&format!("{at}/initial_value"), format!("must be less than {} characters", most + 1));
        }
    }

    fn initial_text(&mut self, at: &str, element: &Value) {
        for key in ["initial_value", "initial_user", "initial_conversation", "initial_channel"] {
            self.string(&format!("{at}/{key}"), &element[key], 0..=usize::MAX, false);
        }
    }

    fn number(&mut self, at: &str, element: &Value) {
        if !element["is_decimal_allowed"].is_boolean() {
            self.add(&format!("{at}/is_decimal_allowed"), "missing required field");
        }
        let whole = element["is_decimal_allowed"] == false;
        let mut read = |key: &str| -> Option<f64> {
            let given = &element[key];
            if given.is_null() {
                return None;
            }
            let text = given.as_str().unwrap_or_default();
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            if number.is_none() || whole && text.parse::<i64>().is_err() {
                self.add(&format!("{at}/{key}"), "must be a number, in a string");
            }
            number
        };
        let (least, most, initial) = (read("min_value"), read("max_value"), read("initial_value"));
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            self.add(at, "min_value must not be greater than max_value");
        }
        let low = least.zip(initial).is_some_and(|(least, initial)| initial < least);
        if low || most.zip(initial).is_some_and(|(most, initial)| initial > most) {
            self.add(&format!("{at}/initial_value"), "must be between min_value and max_value");
        }
    }

    fn whole(&mut self, at: &str, value: &Value, least: u64, most: u64) {
        if !value.is_null() && !value.as_u64().is_some_and(|n| (least..=most).contains(&n)) {
            self.add(at, format!("must be a whole number from {least} to {most}"));
        }
    }

    fn dispatch(&mut self, at: &str, value: &Value) {
        if value.is_null() || !self.object(at, value, &["trigger_actions_on"]) {
            return;
        }
        let list = self.list(at, &value["trigger_actions_on"], 1..=2);
        for trigger in list {
            if trigger != "on_enter_pressed" && trigger != "on_character_entered" {
                self.add(at, "must be one of: on_enter_pressed, on_character_entered");
            }
        }
    }
}
