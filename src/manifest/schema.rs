//! The attributes and blocks that each resource type may have.

/// One kind of block: the names it may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    pub(super) attributes: &'static [&'static str],
    pub(super) blocks: &'static [&'static str],
}

/// What Terraform allows in every resource.
pub(super) const META: [&str; 4] = ["count", "for_each", "depends_on", "provider"];

/// Sym's resource types.
pub(super) const RESOURCES: [&str; 11] = [
    "sym_flow",
    "sym_target",
    "sym_strategy",
    "sym_integration",
    "sym_environment",
    "sym_runtime",
    "sym_error_logger",
    "sym_log_destination",
    "sym_secret",
    "sym_secrets",
    "sym_flows_filter",
];

/// The block that says how a flow is asked for.
pub(super) const PARAMS: Schema = Schema {
    attributes: &[
        "strategy_id",
        "allow_revoke",
        "schedule_deescalation",
        "allowed_sources",
        "include_decision_message",
        "additional_header_text",
        "allow_guest_interaction",
    ],
    blocks: &["prompt_field"],
};

/// The older form of [`PARAMS`], where lists were JSON.
pub(super) const OLD_PARAMS: [&str; 3] = ["prompt_fields_json", "allowed_sources_json", "prompt_fields"];

/// One field of the form.
pub(super) const PROMPT_FIELD: Schema = Schema {
    attributes: &[
        "name",
        "type",
        "label",
        "required",
        "default",
        "visible",
        "allowed_values",
        "prefetch",
        "on_change",
    ],
    blocks: &[],
};

/// One rule of a flow.
pub(super) const RULE: Schema = Schema {
    attributes: &[
        "targets",
        "accounts",
        "requesters",
        "max_duration",
        "approvers",
        "min_approvals",
        "allow_self",
        "notify",
        "answer_within",
        "decision",
        "max_uses",
        "per",
    ],
    blocks: &["fallback"],
};

/// What a rule falls back to.
pub(super) const FALLBACK: Schema = Schema { attributes: &["after", "notify", "approvers"], blocks: &[] };

/// One person's names in AWS.
pub(super) const IDENTITY: Schema =
    Schema { attributes: &["aws_sso", "aws_iam", "integrations"], blocks: &[] };

/// The names that a resource of a type may hold; `None` for types that are not Sym's.
pub(super) fn of(kind: &str) -> Option<Schema> {
    let (attributes, blocks): (&[&str], &[&str]) = match kind {
        "sym_flow" => (
            &[
                "name",
                "label",
                "environment_id",
                "implementation",
                "vars",
                "template",
                "params",
                "channel",
                "when_removed_by_hand",
            ],
            &["params", "rule"],
        ),
        "sym_target" => (&["type", "name", "label", "settings", "field_bindings"], &[]),
        "sym_strategy" => {
            (&["type", "name", "label", "integration_id", "targets", "settings", "implementation"], &[])
        }
        "sym_integration" => (&["type", "name", "external_id", "label", "settings"], &[]),
        "sym_environment" => (
            &[
                "name",
                "label",
                "runtime_id",
                "integrations",
                "error_logger_id",
                "log_destination_ids",
                "channel",
            ],
            &[],
        ),
        "sym_runtime" => (&["name", "label", "context_id"], &[]),
        "sym_error_logger" => (&["integration_id", "destination"], &[]),
        "sym_log_destination" => (&["type", "integration_id", "settings"], &[]),
        "sym_secret" => (&["path", "source_id", "label", "settings"], &[]),
        "sym_secrets" => (&["type", "name", "label", "settings"], &[]),
        "sym_flows_filter" => (&["implementation", "vars", "integrations"], &[]),
        _ => return None,
    };
    Some(Schema { attributes, blocks })
}

/// The attributes of a resource type; `None` for types that are not Sym's.
pub(super) fn attributes(kind: &str) -> Option<&'static [&'static str]> {
    of(kind).map(|schema| schema.attributes)
}
