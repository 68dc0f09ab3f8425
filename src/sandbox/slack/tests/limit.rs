use super::*;
use crate::sandbox::slack::limits::{check_message, check_suggestion, check_view};

fn long(n: usize) -> String {
    "ä".repeat(n)
}

fn message(block: Value) -> Vec<String> {
    check_message(&json!({ "text": "t", "blocks": [block] }))
}

fn element(element: Value) -> Vec<String> {
    check_view(&modal(json!([input("b", "Label", element)])))
}

fn button(key: &str, value: Value) -> Vec<String> {
    let mut button = json!({ "type": "button", "action_id": "a", "text": plain("Go") });
    button[key] = value;
    message(json!({ "type": "actions", "elements": [button] }))
}

/// Fine at the limit, refused one over it.
#[track_caller]
fn edge(most: usize, check: impl Fn(usize) -> Vec<String>) {
    assert_eq!(check(most), Vec::<String>::new(), "at {most}");
    assert_ne!(check(most + 1), Vec::<String>::new(), "over {most}");
}

fn options(n: usize) -> Value {
    (0..n).map(|n| option("o", &n.to_string())).collect()
}

fn select(key: &str, value: Value) -> Vec<String> {
    let mut select = json!({ "type": "static_select", "action_id": "a", "options": options(3) });
    select[key] = value;
    element(select)
}

#[test]
fn blocks_have_limits() {
    let section = |text: usize| json!({ "type": "section", "text": plain(&long(text)) });
    edge(50, |n| check_message(&json!({ "text": "t", "blocks": vec![json!({ "type": "divider" }); n] })));
    edge(100, |n| check_view(&modal(json!(vec![section(1); n]))));
    edge(3000, |n| message(section(n)));
    edge(10, |n| message(json!({ "type": "section", "fields": vec![plain("f"); n] })));
    edge(2000, |n| message(json!({ "type": "section", "fields": [plain(&long(n))] })));
    edge(150, |n| message(json!({ "type": "header", "text": plain(&long(n)) })));
    edge(10, |n| message(json!({ "type": "context", "elements": vec![plain("c"); n] })));
    edge(25, |n| {
        let one = |n| json!({ "type": "button", "action_id": format!("a{n}"), "text": plain("Go") });
        message(json!({ "type": "actions", "elements": (0..n).map(one).collect::<Vec<_>>() }))
    });
    edge(255, |n| message(json!({ "type": "divider", "block_id": long(n) })));
    edge(40_000, |n| check_message(&json!({ "text": long(n) })));
    edge(2000, |n| check_view(&modal(json!([input("b", &long(n), json!({ "type": "plain_text_input" }))]))));
    edge(2000, |n| {
        let mut block = input("b", "L", json!({ "type": "plain_text_input" }));
        block["hint"] = plain(&long(n));
        check_view(&modal(json!([block])))
    });
}

#[test]
fn views_have_limits() {
    let with = |key: &str, value: Value| {
        let mut view = modal(json!([{ "type": "divider" }]));
        view[key] = value;
        check_view(&view)
    };
    edge(24, |n| with("title", plain(&long(n))));
    edge(24, |n| with("submit", plain(&long(n))));
    edge(24, |n| with("close", plain(&long(n))));
    edge(255, |n| with("callback_id", json!(long(n))));
    edge(3000, |n| with("private_metadata", json!(long(n))));
    let focused = |n: usize| {
        let block = |n: usize| {
            input(&n.to_string(), "L", json!({ "type": "plain_text_input", "focus_on_load": true }))
        };
        check_view(&modal((0..n).map(block).collect()))
    };
    edge(1, focused);
    let mut bare = modal(json!([input("b", "L", json!({ "type": "plain_text_input" }))]));
    bare.as_object_mut().unwrap().remove("submit");
    assert_eq!(check_view(&bare).len(), 1);
    assert!(with("colour", json!("red"))[0].contains("colour"));
    assert!(!with("title", json!({ "type": "mrkdwn", "text": "t" })).is_empty());
    assert!(!with("type", json!("home")).is_empty());
}

#[test]
fn elements_have_limits() {
    edge(75, |n| button("text", plain(&long(n))));
    edge(2000, |n| button("value", json!(long(n))));
    edge(255, |n| button("action_id", json!(long(n))));
    edge(3000, |n| button("url", json!(format!("https://{}", long(n - 8)))));
    let confirm = |key: &str, n: usize| {
        let mut confirm = json!({
            "title": plain("t"), "text": plain("t"), "confirm": plain("t"), "deny": plain("t"),
        });
        confirm[key] = plain(&long(n));
        button("confirm", confirm)
    };
    edge(100, |n| confirm("title", n));
    edge(300, |n| confirm("text", n));
    edge(30, |n| confirm("confirm", n));
    edge(30, |n| confirm("deny", n));
    edge(100, |n| select("options", options(n)));
    edge(150, |n| select("placeholder", plain(&long(n))));
    edge(75, |n| select("options", json!([option(&long(n), "v")])));
    edge(150, |n| select("options", json!([option("t", &long(n))])));
    edge(75, |n| {
        let mut described = option("t", "v");
        described["description"] = plain(&long(n));
        select("options", json!([described]))
    });
    let boxes = |n: usize| element(json!({ "type": "checkboxes", "action_id": "a", "options": options(n) }));
    edge(10, boxes);
    edge(100, |n| {
        let group = json!({ "label": plain("g"), "options": options(1) });
        element(json!({ "type": "static_select", "action_id": "a", "option_groups": vec![group; n] }))
    });
    edge(100, |n| check_suggestion(&json!({ "options": options(n) })));
    assert!(check_suggestion(&json!({ "options": [] })).is_empty());
    edge(3000, |n| element(json!({ "type": "plain_text_input", "max_length": n })));
    edge(2, |n| {
        let people: Vec<_> = (0..n).map(|n| format!("U{n}")).collect();
        element(json!({ "type": "multi_users_select", "max_selected_items": 2, "initial_users": people }))
    });
}

#[test]
fn rules_beyond_lengths() {
    let refused = [
        select("options", json!([])),
        select("options", json!([option("a", "1"), option("b", "1")])),
        select("initial_option", option("o", "9")),
        select("initial_option", option("renamed", "0")),
        select("colour", json!("red")),
        button("style", json!("green")),
        button("url", json!("example.com")),
        button("text", json!({ "type": "mrkdwn", "text": "*Go*" })),
        button("text", plain("")),
        button("value", json!(7)),
        element(json!({ "type": "button", "text": plain("Go") })),
        element(json!({ "type": "slider" })),
        element(json!({ "type": "number_input" })),
        element(json!({ "type": "number_input", "is_decimal_allowed": false, "min_value": "1.5" })),
        element(json!({ "type": "number_input", "is_decimal_allowed": true, "min_value": 1 })),
        element(
            json!({ "type": "number_input", "is_decimal_allowed": true, "min_value": "3", "max_value": "2" }),
        ),
        element(
            json!({ "type": "number_input", "is_decimal_allowed": true, "initial_value": "9", "max_value": "2" }),
        ),
        element(json!({ "type": "plain_text_input", "min_length": 5, "max_length": 4 })),
        element(json!({ "type": "plain_text_input", "initial_value": "long", "max_length": 3 })),
        message(json!({ "type": "section" })),
        message(
            json!({ "type": "section", "text": plain("t"), "accessory": { "type": "plain_text_input" } }),
        ),
        message(json!({ "type": "actions", "elements": [{ "type": "plain_text_input" }] })),
        message(
            json!({ "type": "input", "label": plain("l"), "element": { "type": "number_input", "is_decimal_allowed": true } }),
        ),
        message(json!({ "type": "header", "text": { "type": "mrkdwn", "text": "t" } })),
        message(json!({ "type": "image", "image_url": "https://x.io/a.png" })),
        check_message(&json!({ "text": " ", "blocks": [{ "type": "divider" }] })),
        check_message(&json!({ "text": "t", "blocks": [
            { "type": "divider", "block_id": "b" }, { "type": "divider", "block_id": "b" } ] })),
        message(json!({ "type": "actions", "elements": [
            { "type": "button", "action_id": "a", "text": plain("1") },
            { "type": "button", "action_id": "a", "text": plain("2") } ] })),
    ];
    for (n, complaints) in refused.iter().enumerate() {
        assert!(!complaints.is_empty(), "case {n}");
    }
    assert!(select("initial_option", option("o", "2")).is_empty());
    assert!(button("url", json!("https://example.com/a")).is_empty());
}
