//! Building the simulated AWS. Nothing exists unless it was added here. Everything is done at once
//! and returns the handle, so that calls can be chained. What is added twice is replaced; what is
//! added to something that is not there is remembered in `Aws::unexpected`.
use std::collections::{BTreeMap, BTreeSet};

use super::Aws;
use super::model::{Account, IamGroup, Instance, Key, Organization, PermissionSet, Role, Unit, User, World};

impl Aws {
    pub(super) fn change(&self, change: impl FnOnce(&mut World)) -> &Self {
        change(&mut self.shared.world());
        self
    }

    pub(super) fn change_account(&self, id: &str, change: impl FnOnce(&mut Account, i64)) -> &Self {
        self.change(|world| match world.accounts.get_mut(id) {
            Some(account) => change(account, world.now),
            None => world.log.unexpected.push(format!("set-up: there is no account {id}")),
        })
    }

    fn change_instance(&self, arn: &str, change: impl FnOnce(&mut Instance, i64)) -> &Self {
        self.change(|world| match world.instances.get_mut(arn) {
            Some(instance) => change(instance, world.now),
            None => world.log.unexpected.push(format!("set-up: there is no instance {arn}")),
        })
    }

    /// An AWS account: active, outside of every organization.
    pub fn add_account(&self, id: &str, name: &str) -> &Self {
        self.change(|world| {
            let account = Account {
                name: name.into(),
                suspended: false,
                parent: None,
                iam_users: BTreeMap::new(),
                iam_groups: BTreeMap::new(),
            };
            world.accounts.insert(id.into(), account);
        })
    }

    /// An organization (`o-…`) with its root (`r-…`), managed from an account that lies in the
    /// root. An instance owned by an account of an organization assigns to that organization's
    /// accounts only.
    pub fn add_organization(&self, id: &str, management_account: &str, root: &str) -> &Self {
        self.change(|world| {
            let (id, root) = (id.to_owned(), root.to_owned());
            if let Some(account) = world.accounts.get_mut(management_account) {
                account.parent = Some(root.clone());
            }
            let organization = Organization { id, root, units: BTreeMap::new() };
            world.organizations.insert(management_account.into(), organization);
        })
    }

    /// An organizational unit (`ou-…`) under a root or another unit.
    pub fn add_ou(&self, id: &str, parent: &str, name: &str) -> &Self {
        self.change(|world| {
            let home = world
                .organizations
                .values_mut()
                .find(|organization| organization.root == parent || organization.units.contains_key(parent));
            let unit = Unit { name: name.into(), parent: parent.into() };
            match home {
                Some(organization) => {
                    organization.units.insert(id.into(), unit);
                }
                None => world.log.unexpected.push(format!("set-up: there is no parent {parent}")),
            }
        })
    }

    /// Puts an account into a root or organizational unit, out of where it was.
    pub fn place_account(&self, id: &str, parent: &str) -> &Self {
        self.change_account(id, |account, _| account.parent = Some(parent.into()))
    }

    /// Sets a tag of an account, root or organizational unit.
    pub fn tag(&self, resource: &str, key: &str, value: &str) -> &Self {
        self.change(|world| {
            world.tags.entry(resource.into()).or_default().insert(key.into(), value.into());
        })
    }

    /// An Identity Center instance with an identity store, visible to its owner in its region.
    pub fn add_instance(&self, arn: &str, store: &str, region: &str, owner: &str) -> &Self {
        self.change(|world| {
            let instance = Instance {
                store: store.into(),
                region: region.into(),
                owner: owner.into(),
                delegated: BTreeSet::new(),
                permission_sets: BTreeMap::new(),
                created: world.now,
            };
            world.instances.insert(arn.into(), instance);
            world.stores.entry(store.into()).or_default();
        })
    }

    /// Lets another account administer an instance: all but the owner's own account, and the
    /// permission sets assigned there.
    pub fn add_delegated_admin(&self, instance: &str, account: &str) -> &Self {
        self.change_instance(instance, |instance, _| {
            instance.delegated.insert(account.into());
        })
    }

    /// A permission set; `session_duration` as AWS writes it: `PT1H`.
    pub fn add_permission_set(&self, instance: &str, arn: &str, name: &str, session_duration: &str) -> &Self {
        self.change_instance(instance, |instance, now| {
            let (name, session_duration) = (name.into(), session_duration.into());
            let set = PermissionSet { name, session_duration, created: now };
            instance.permission_sets.insert(arn.into(), set);
        })
    }

    /// A user of an identity store.
    pub fn add_sso_user(&self, store: &str, id: &str, user_name: &str, email: &str) -> &Self {
        self.change(|world| {
            let store = world.stores.entry(store.into()).or_default();
            let user = User { name: user_name.into(), email: email.into() };
            store.forget_user(id);
            store.user_by_name.insert(user_name.into(), id.into());
            store.user_by_email.insert(email.into(), id.into());
            store.users.insert(id.into(), user);
        })
    }

    /// A group of an identity store.
    pub fn add_sso_group(&self, store: &str, id: &str, name: &str) -> &Self {
        self.change(|world| {
            let store = world.stores.entry(store.into()).or_default();
            store.groups.insert(id.into(), name.into());
        })
    }

    /// An IAM user.
    pub fn add_iam_user(&self, account: &str, name: &str) -> &Self {
        self.change_account(account, |account, now| {
            account.iam_users.insert(name.into(), now);
        })
    }

    /// An IAM group; `path` as AWS writes it: `/` or `/ops/`.
    pub fn add_iam_group(&self, account: &str, name: &str, path: &str) -> &Self {
        self.change_account(account, |account, now| {
            let group = IamGroup { path: path.into(), created: now, members: BTreeSet::new() };
            account.iam_groups.insert(name.into(), group);
        })
    }

    /// A role. Adding it again replaces it, sessions included: they may do what the role allows now.
    pub fn add_role(&self, arn: &str, role: Role) -> &Self {
        self.change(|world| {
            world.roles.insert(arn.into(), role);
        })
    }

    /// A long-lived access key of an identity, with patterns of the actions it may do. Any secret
    /// goes with it: signatures are not verified.
    pub fn add_access_key(&self, id: &str, account: &str, identity: &str, allows: &[&str]) -> &Self {
        self.change(|world| {
            let allows = allows.iter().map(|&pattern| pattern.to_owned()).collect();
            let key = Key { account: account.into(), arn: identity.into(), allows, session: None };
            world.keys.insert(id.into(), key);
        })
    }
}
