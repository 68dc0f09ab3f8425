# Temporary membership of IAM groups: `/sym request iam`.
#
# For accounts whose people are IAM users. Uses the environment of aws-sso.hcl.

resource "sym_integration" "iam_context" {
  type        = "permission_context"
  name        = "iam-context"
  external_id = "111122223333" # the account that the groups are in

  settings = {
    cloud      = "aws"
    region     = "us-east-1"
    role_arn   = "arn:aws:iam::111122223333:role/sym/SymIAMMain"
    account_id = "111122223333"
  }
}

resource "sym_target" "cloudwatch_readonly" {
  type  = "aws_iam_group"
  name  = "cloudwatch-readonly"
  label = "CloudWatch read-only"

  settings = {
    iam_group = "cloudwatch-readonly" # the group's name: no path, no ARN
  }
}

resource "sym_strategy" "aws_iam" {
  type           = "aws_iam"
  name           = "aws-iam"
  integration_id = sym_integration.iam_context.id
  targets        = [sym_target.cloudwatch_readonly.id]
}

resource "sym_flow" "iam" {
  name           = "iam"
  label          = "IAM group access"
  environment_id = sym_environment.main.id

  params {
    strategy_id = sym_strategy.aws_iam.id

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    # The types a field can have: string, int, bool, duration, str_list, int_list, slack_user and
    # slack_user_list. `allowed_values` turns a field into a choice.
    prompt_field {
      name     = "ticket"
      label    = "Ticket number"
      type     = "int"
      required = false
    }

    prompt_field {
      name     = "incident"
      label    = "Is this for an incident?"
      type     = "bool"
      required = false
      default  = "false"
    }

    prompt_field {
      name           = "services"
      label          = "Services concerned"
      type           = "str_list"
      required       = false
      allowed_values = ["api", "web", "worker", "database"]
    }

    prompt_field {
      name     = "witness"
      label    = "Who is working with you?"
      type     = "slack_user"
      required = false
    }
  }

  rule "read-only" {
    max_duration = "8h"
    approvers    = ["channel_members"]
  }
}
