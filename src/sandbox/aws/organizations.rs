//! Organizations: the tree of accounts, readable from the management account only.
use serde_json::{Value, json};

use super::access::Caller;
use super::model::{Account, Organization, Unit, World};
use super::page::page;
use super::reply::{Failure, Reply, epoch_seconds};
use super::shape;
use super::wire::{Request, Service};

/// Answers every operation of Organizations.
pub(super) fn answer(world: &World, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let (management, organization) = world.organization_of(&caller.account).ok_or_else(|| {
        let reason = "Your account is not a member of an organization.";
        Failure::new(400, "AWSOrganizationsNotInUseException", reason)
    })?;
    // Members may know which organization they are in, and nothing else.
    if *management != caller.account && request.operation != "DescribeOrganization" {
        let reason = "You don't have permissions to access this resource.";
        return Err(Failure::new(400, "AccessDeniedException", reason));
    }
    let tree = Tree { world, management, organization };
    match request.operation.as_str() {
        "DescribeOrganization" => Ok(Reply::Json(tree.describe())),
        "DescribeAccount" => tree.describe_account(request.text("AccountId")?),
        "DescribeOrganizationalUnit" => tree.describe_unit(request.text("OrganizationalUnitId")?),
        "ListAccounts" => listing(world, request, "Accounts", tree.accounts(|_| true)),
        "ListRoots" => listing(world, request, "Roots", vec![tree.root()]),
        "ListOrganizationalUnitsForParent" => {
            let parent = tree.parent(request)?;
            listing(world, request, "OrganizationalUnits", tree.units(parent))
        }
        "ListAccountsForParent" => {
            let parent = tree.parent(request)?;
            let here = tree.accounts(|account| account == parent);
            listing(world, request, "Accounts", here)
        }
        "ListParents" => tree.parents(request),
        "ListTagsForResource" => tree.tags(request),
        other => Err(Failure::new(400, "UnknownOperationException", other).unexpected()),
    }
}

fn listing(world: &World, request: &Request, name: &str, all: Vec<Value>) -> Result<Reply, Failure> {
    let page = page(&world.settings, request, all)?;
    Ok(Reply::Json(json!({name: page.items, "NextToken": page.next})))
}

/// One organization, seen from its management account.
struct Tree<'a> {
    world: &'a World,
    management: &'a str,
    organization: &'a Organization,
}

impl Tree<'_> {
    fn arn(&self, kind: &str, rest: &str) -> String {
        format!("arn:aws:organizations::{}:{kind}/{}{rest}", self.management, self.organization.id)
    }

    fn describe(&self) -> Value {
        json!({"Organization": {
            "Id": self.organization.id,
            "Arn": self.arn("organization", ""),
            "FeatureSet": "ALL",
            "MasterAccountArn": self.arn("account", &format!("/{}", self.management)),
            "MasterAccountId": self.management,
            "MasterAccountEmail": format!("{}@accounts.example.com", self.management),
        }})
    }

    /// Where an account lies: the management account is in the root unless it was moved.
    fn home<'b>(&'b self, id: &str, account: &'b Account) -> Option<&'b str> {
        match account.parent.as_deref() {
            Some(parent) if self.knows_parent(parent) => Some(parent),
            _ if id == self.management => Some(&self.organization.root),
            _ => None,
        }
    }

    fn knows_parent(&self, parent: &str) -> bool {
        self.organization.root == parent || self.organization.units.contains_key(parent)
    }

    fn accounts(&self, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let all = self.world.accounts.iter();
        all.filter(|(id, account)| self.home(id, account).is_some_and(&wanted))
            .map(|(id, account)| self.account(id, account))
            .collect()
    }

    fn account(&self, id: &str, account: &Account) -> Value {
        let status = if account.suspended { "SUSPENDED" } else { "ACTIVE" };
        json!({
            "Id": id,
            "Arn": self.arn("account", &format!("/{id}")),
            "Email": format!("{id}@accounts.example.com"),
            "Name": account.name,
            "Status": status,
            "State": status,
            "JoinedMethod": "CREATED",
            "JoinedTimestamp": epoch_seconds(0),
        })
    }

    fn describe_account(&self, id: &str) -> Result<Reply, Failure> {
        if !shape::is_account_id(id) {
            return Err(invalid(&format!("AccountId {id} is malformed")));
        }
        let account = self.world.accounts.get(id).filter(|own| self.home(id, own).is_some());
        let account = account.ok_or_else(|| {
            let reason = "You specified an account that doesn't exist.";
            Failure::new(400, "AccountNotFoundException", reason)
        })?;
        Ok(Reply::Json(json!({"Account": self.account(id, account)})))
    }

    fn root(&self) -> Value {
        let root = &self.organization.root;
        let arn = self.arn("root", &format!("/{root}"));
        json!({"Id": root, "Arn": arn, "Name": "Root", "PolicyTypes": []})
    }

    fn unit(&self, id: &str, unit: &Unit) -> Value {
        json!({"Id": id, "Arn": self.arn("ou", &format!("/{id}")), "Name": unit.name})
    }

    fn units(&self, parent: &str) -> Vec<Value> {
        let all = self.organization.units.iter().filter(|(_, unit)| unit.parent == parent);
        all.map(|(id, unit)| self.unit(id, unit)).collect()
    }

    fn describe_unit(&self, id: &str) -> Result<Reply, Failure> {
        let unit = self.organization.units.get(id).ok_or_else(|| {
            let reason = "You specified an organizational unit that doesn't exist.";
            Failure::new(400, "OrganizationalUnitNotFoundException", reason)
        })?;
        Ok(Reply::Json(json!({"OrganizationalUnit": self.unit(id, unit)})))
    }

    fn parent<'b>(&self, request: &'b Request) -> Result<&'b str, Failure> {
        let parent = request.text("ParentId")?;
        if !parent.starts_with("r-") && !parent.starts_with("ou-") {
            return Err(invalid(&format!("ParentId {parent} is malformed")));
        }
        if self.knows_parent(parent) {
            return Ok(parent);
        }
        let reason = "You specified a parent that doesn't exist.";
        Err(Failure::new(400, "ParentNotFoundException", reason))
    }

    fn parents(&self, request: &Request) -> Result<Reply, Failure> {
        let child = request.text("ChildId")?;
        let account = self.world.accounts.get(child).and_then(|own| self.home(child, own));
        let unit = self.organization.units.get(child).map(|unit| unit.parent.as_str());
        let parent = account.or(unit).ok_or_else(|| {
            let reason = "You specified a child that doesn't exist.";
            Failure::new(400, "ChildNotFoundException", reason)
        })?;
        let kind = if parent == self.organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        listing(self.world, request, "Parents", vec![json!({"Id": parent, "Type": kind})])
    }

    fn tags(&self, request: &Request) -> Result<Reply, Failure> {
        let id = request.text("ResourceId")?;
        let account = self.world.accounts.get(id).and_then(|own| self.home(id, own));
        if account.is_none() && !self.knows_parent(id) {
            let reason = "You specified a target that doesn't exist.";
            return Err(Failure::new(400, "TargetNotFoundException", reason));
        }
        let tags = self.world.tags.get(id).into_iter().flatten();
        let all = tags.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        listing(self.world, request, "Tags", all)
    }
}

fn invalid(message: &str) -> Failure {
    Failure::invalid(Service::Organizations, message)
}
