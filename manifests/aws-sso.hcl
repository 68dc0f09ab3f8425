# Temporary access through AWS IAM Identity Center (SSO).
#
# Every *.hcl and *.tf file of this folder is read as one manifest, so the runtime and the environment
# below also serve the flows in sso-group.hcl and aws-iam.hcl. The blocks are those of Sym's Terraform
# provider; `rule`, `channel` and `portal_url` are this bot's own.
#
# Check it with `sym check`. Replace the account ids and ARNs by yours.

locals {
  region       = "us-east-1"
  instance_arn = "arn:aws:sso:::instance/ssoins-1111111111111111"

  # Permission sets of that instance: `aws sso-admin list-permission-sets` shows them.
  permission_sets = {
    administrator = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-1111111111111111"
    read_only     = "arn:aws:sso:::permissionSet/ssoins-1111111111111111/ps-2222222222222222"
  }

  accounts = {
    prod    = "111122223333"
    staging = "444455556666"
    dev     = "777788889999"
  }
}

# ---- The way to AWS ---------------------------------------------------------------------------------
#
# The bot assumes the runtime role first, with its external id, and from there the role of the
# strategy's integration. Every step may be left out: without any role the bot's own credentials are
# used.

resource "sym_integration" "runtime_context" {
  type        = "permission_context"
  name        = "runtime-context"
  external_id = local.accounts.prod # names the account; not the STS external id below

  settings = {
    cloud       = "aws"
    region      = local.region
    role_arn    = "arn:aws:iam::111122223333:role/sym/SymRuntimeMain"
    external_id = "b7d3c2e0-6d5f-4a7e-9f0e-1c2d3e4f5a6b" # what the role's trust policy asks for
  }
}

resource "sym_runtime" "main" {
  name       = "main"
  label      = "Main runtime"
  context_id = sym_integration.runtime_context.id
}

resource "sym_environment" "main" {
  name       = "main"
  label      = "Main"
  runtime_id = sym_runtime.main.id

  # Where the cards of all flows go, unless a flow or a rule says otherwise. Invite the bot there.
  channel = "#access-requests"
}

resource "sym_integration" "sso_context" {
  type        = "permission_context"
  name        = "sso-context"
  external_id = local.instance_arn

  settings = {
    cloud        = "aws"
    region       = local.region # the region that Identity Center lives in
    role_arn     = "arn:aws:iam::111122223333:role/sym/SymSSOMain"
    instance_arn = local.instance_arn

    # Shown to people when their access begins.
    portal_url = "https://d-1234567890.awsapps.com/start"
  }
}

# ---- What can be asked for --------------------------------------------------------------------------

# One permission set in one account.
resource "sym_target" "prod_admin" {
  type  = "aws_sso_permission_set"
  name  = "prod-admin"
  label = "Prod admin"

  settings = {
    permission_set_arn = local.permission_sets.administrator
    account_id         = local.accounts.prod
  }
}

resource "sym_target" "prod_read_only" {
  type  = "aws_sso_permission_set"
  name  = "prod-read-only"
  label = "Prod read-only"

  settings = {
    permission_set_arn = local.permission_sets.read_only
    account_id         = local.accounts.prod
  }
}

# One permission set in whichever account the request names: `field_bindings` says that the setting
# `account_id` is the answer to the prompt field of the same name.
resource "sym_target" "any_read_only" {
  type           = "aws_sso_permission_set"
  name           = "any-read-only"
  label          = "Read-only in the account below"
  field_bindings = ["account_id"]

  settings = {
    permission_set_arn = local.permission_sets.read_only
  }
}

resource "sym_strategy" "aws_sso" {
  type           = "aws_sso"
  name           = "aws-sso"
  integration_id = sym_integration.sso_context.id

  targets = [
    sym_target.prod_admin.id,
    sym_target.prod_read_only.id,
    sym_target.any_read_only.id,
  ]

  settings = {
    instance_arn = local.instance_arn
  }
}

# ---- The flow: `/sym request aws` -------------------------------------------------------------------

resource "sym_flow" "aws" {
  name           = "aws"
  label          = "AWS access"
  environment_id = sym_environment.main.id

  params {
    strategy_id            = sym_strategy.aws_sso.id
    allow_revoke           = true # requester and approvers may end access early
    schedule_deescalation  = true # access ends by itself
    additional_header_text = "Access is recorded. Please name the ticket or the incident."

    prompt_field {
      name  = "reason"
      label = "Reason"
      type  = "string"
    }

    # A field named `target_id` or `duration` only says where the built-in one stands and what it is
    # called; the choices of `target_id` are the targets above.
    prompt_field {
      name  = "target_id"
      label = "Access"
      type  = "string"
    }

    # A bound field is always required. Without `allowed_values` it takes any twelve digits.
    prompt_field {
      name  = "account_id"
      label = "Account ID"
      type  = "string"
    }

    prompt_field {
      name           = "duration"
      label          = "For how long"
      type           = "duration"
      allowed_values = ["30m", "1h", "4h"]
    }
  }

  # Every rule that matches a request binds; order plays no part. No matching rule means no.
  rule "prod" {
    accounts      = [local.accounts.prod, local.accounts.staging]
    max_duration  = "4h"
    approvers     = ["channel_members"] # anyone in the channel but the requester
    answer_within = "2h"
  }

  # In the dev account nobody has to be asked.
  rule "dev" {
    accounts     = [local.accounts.dev]
    max_duration = "1h"
    decision     = "auto"
  }

  # And this account is never given to anybody, whatever other rules say.
  rule "never" {
    accounts = ["999988887777"]
    decision = "deny"
  }
}
