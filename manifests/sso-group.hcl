# Temporary membership of an Identity Center group: `/sym request groups`.
#
# Uses the environment and the integration of aws-sso.hcl. A group may stand for many accounts at once,
# which is why a rule of such a flow cannot name accounts.

resource "sym_target" "prod_support" {
  type  = "aws_sso_group"
  name  = "prod-support"
  label = "Production support"

  settings = {
    # The group's id in the identity store d-1234567890, not its name:
    # `aws identitystore list-groups --identity-store-id d-1234567890`
    group_id = "11112222-3333-4444-5555-666677778888"
  }
}

resource "sym_strategy" "sso_groups" {
  type           = "aws_sso"
  name           = "sso-groups"
  integration_id = sym_integration.sso_context.id
  targets        = [sym_target.prod_support.id]
}

resource "sym_flow" "groups" {
  name           = "groups"
  label          = "Support groups"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.sso_groups.id

    # The decider may leave a comment, which the requester reads.
    include_decision_message = true

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }
  }

  # No `duration` field is declared, so the form offers 30m, 1h, 4h and 8h, within `max_duration`.
  rule "support" {
    targets      = [sym_target.prod_support]
    max_duration = "4h"
    approvers    = ["channel_members"]
  }
}

# Who is who: only for people whose user name in Identity Center is not their e-mail address in Slack.
#
# identity "ana@example.com" {
#   aws_sso      = "ana.admin" # user name, or user id
#   aws_iam      = "ana-smith" # IAM user name
#   integrations = [sym_integration.sso_context.id] # default: all
# }
