//! The table of elements.

/// Keys of each kind besides `type` and `action_id`, and the blocks it may be in:
/// s(ection), a(ctions), i(nput).
const KINDS: &[(&str, &[&str], &str)] = &[
    ("button", &["text", "url", "value", "style", "confirm", "accessibility_label"], "sa"),
    ("overflow", &["options", "confirm"], "sa"),
    ("checkboxes", &["options", "initial_options", "confirm", "focus_on_load"], "sai"),
    ("radio_buttons", &["options", "initial_option", "confirm", "focus_on_load"], "sai"),
    (
        "static_select",
        &["options", "option_groups", "initial_option", "confirm", "focus_on_load", "placeholder"],
        "sai",
    ),
    (
        "multi_static_select",
        &[
            "options",
            "option_groups",
            "initial_options",
            "confirm",
            "max_selected_items",
            "focus_on_load",
            "placeholder",
        ],
        "si",
    ),
    (
        "external_select",
        &["initial_option", "min_query_length", "confirm", "focus_on_load", "placeholder"],
        "sai",
    ),
    (
        "multi_external_select",
        &[
            "initial_options",
            "min_query_length",
            "confirm",
            "max_selected_items",
            "focus_on_load",
            "placeholder",
        ],
        "si",
    ),
    ("users_select", &["initial_user", "confirm", "focus_on_load", "placeholder"], "sai"),
    (
        "multi_users_select",
        &["initial_users", "confirm", "max_selected_items", "focus_on_load", "placeholder"],
        "si",
    ),
    (
        "conversations_select",
        &[
            "initial_conversation",
            "default_to_current_conversation",
            "confirm",
            "response_url_enabled",
            "filter",
            "focus_on_load",
            "placeholder",
        ],
        "sai",
    ),
    (
        "channels_select",
        &["initial_channel", "confirm", "response_url_enabled", "focus_on_load", "placeholder"],
        "sai",
    ),
    ("datepicker", &["initial_date", "confirm", "focus_on_load", "placeholder"], "sai"),
    ("timepicker", &["initial_time", "timezone", "confirm", "focus_on_load", "placeholder"], "sai"),
    ("datetimepicker", &["initial_date_time", "confirm", "focus_on_load"], "ai"),
    (
        "plain_text_input",
        &[
            "initial_value",
            "multiline",
            "min_length",
            "max_length",
            "dispatch_action_config",
            "focus_on_load",
            "placeholder",
        ],
        "i",
    ),
    (
        "number_input",
        &[
            "is_decimal_allowed",
            "initial_value",
            "min_value",
            "max_value",
            "dispatch_action_config",
            "focus_on_load",
            "placeholder",
        ],
        "i",
    ),
    ("email_text_input", &["initial_value", "dispatch_action_config", "focus_on_load", "placeholder"], "i"),
    ("url_text_input", &["initial_value", "dispatch_action_config", "focus_on_load", "placeholder"], "i"),
    ("image", &["image_url", "slack_file", "alt_text"], "s"),
];

/// What an element of this kind may have, and where it may be.
pub(super) fn kind(name: &str) -> Option<(&'static [&'static str], &'static str)> {
    let found = KINDS.iter().find(|(kind, _, _)| *kind == name);
    found.map(|(_, keys, blocks)| (*keys, *blocks))
}
