# Tests of the rules in aws-sso.hcl: run them with `sym policy test`. The bot itself passes them over.

facts {
  # What a person's block leaves out is unknown, and unknown is never a right.
  person "ana@example.com" {
    channels = ["#access-requests"]
  }

  person "bo@example.com" {
    channels = ["#access-requests"]
  }

  person "cy@example.com" {
    channels = []
  }
}

test "production needs somebody else of the channel" {
  as             = "ana@example.com"
  flow           = "aws"
  target         = "prod-admin"
  duration       = "4h"
  expect         = "ask"
  rules          = ["prod"]
  can_approve    = ["bo@example.com"]
  cannot_approve = ["ana@example.com", "cy@example.com"]
}

test "nobody is asked in the dev account" {
  as       = "cy@example.com"
  flow     = "aws"
  target   = "any-read-only"
  account  = "777788889999"
  duration = "1h"
  expect   = "auto"
}

test "but not for long" {
  as       = "cy@example.com"
  flow     = "aws"
  target   = "any-read-only"
  account  = "777788889999"
  duration = "4h"
  expect   = "refuse"
  because  = "1 hour at most"
}

test "this account is never given" {
  as       = "ana@example.com"
  flow     = "aws"
  target   = "any-read-only"
  account  = "999988887777"
  duration = "30m"
  expect   = "deny"
}
