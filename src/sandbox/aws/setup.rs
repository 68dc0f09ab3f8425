//! What an administrator does by hand: building the simulated AWS, changing it, tearing it down.
//! Nothing exists unless it was added here. Everything is done at once and returns the handle, so
//! that calls can be chained. What is added twice is replaced; what is not there is not removed.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Aws;
use super::model::{
    Account, Assignment, IamGroup, Instance, Key, Organization, PermissionSet, PrincipalKind, Role,
    Unit, User, World,
};

impl Aws {
    fn change(&self, change: impl FnOnce(&mut World)) -> &Self {
        change(&mut self.shared.world());
        self
    }

    fn change_account(&self, account: &str, change: impl FnOnce(&mut Account, i64)) -> &Self {
        self.change(|world| {
            let now = world.now;
            if let Some(account) = world.accounts.get_mut(account) {
                change(account, now);
            }
        })
    }

    fn change_instance(&self, arn: &str, change: impl FnOnce(&mut Instance, i64)) -> &Self {
        self.change(|world| {
            let now = world.now;
            if let Some(instance) = world.instances.get_mut(arn) {
                change(instance, now);
            }
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
            let organization = Organization {
                id,
                root,
                units: BTreeMap::new(),
            };
            world
                .organizations
                .insert(management_account.into(), organization);
        })
    }

    /// An organizational unit (`ou-…`) under a root or another unit.
    pub fn add_ou(&self, id: &str, parent: &str, name: &str) -> &Self {
        self.change(|world| {
            let home = world.organizations.values_mut().find(|organization| {
                organization.root == parent || organization.units.contains_key(parent)
            });
            if let Some(organization) = home {
                let unit = Unit {
                    name: name.into(),
                    parent: parent.into(),
                };
                organization.units.insert(id.into(), unit);
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
            world
                .tags
                .entry(resource.into())
                .or_default()
                .insert(key.into(), value.into());
        })
    }

    /// Takes a tag away.
    pub fn untag(&self, resource: &str, key: &str) -> &Self {
        self.change(|world| {
            if let Some(tags) = world.tags.get_mut(resource) {
                tags.remove(key);
            }
        })
    }

    /// Suspends an account, or makes it active again. Assignments stay; new ones fail.
    pub fn suspend_account(&self, id: &str, suspended: bool) -> &Self {
        self.change_account(id, |account, _| account.suspended = suspended)
    }

    /// Removes an account with everything in it: IAM, roles, keys, and assignments to it.
    pub fn remove_account(&self, id: &str) -> &Self {
        self.change(|world| {
            world.accounts.remove(id);
            world.assignments.remove_where(|one| one.account == id);
            world.keys.retain(|_, key| key.account != id);
            let own = format!("arn:aws:iam::{id}:");
            world.roles.retain(|arn, _| !arn.starts_with(&own));
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
    pub fn add_permission_set(
        &self,
        instance: &str,
        arn: &str,
        name: &str,
        session_duration: &str,
    ) -> &Self {
        self.change_instance(instance, |instance, now| {
            let (name, session_duration) = (name.into(), session_duration.into());
            let set = PermissionSet {
                name,
                session_duration,
                created: now,
            };
            instance.permission_sets.insert(arn.into(), set);
        })
    }

    /// Removes a permission set and every assignment of it.
    pub fn remove_permission_set(&self, instance: &str, arn: &str) -> &Self {
        self.change(|world| {
            if let Some(instance) = world.instances.get_mut(instance) {
                instance.permission_sets.remove(arn);
            }
            world
                .assignments
                .remove_where(|one| one.permission_set == arn);
        })
    }

    /// A user of an identity store.
    pub fn add_sso_user(&self, store: &str, id: &str, user_name: &str, email: &str) -> &Self {
        self.change(|world| {
            let store = world.stores.entry(store.into()).or_default();
            let user = User {
                name: user_name.into(),
                email: email.into(),
            };
            forget_user(&mut store.user_by_name, &mut store.user_by_email, id);
            store.user_by_name.insert(user_name.into(), id.into());
            store.user_by_email.insert(email.into(), id.into());
            store.users.insert(id.into(), user);
        })
    }

    /// Removes a user and their memberships. Assignments stay behind, naming a dead id, as they do
    /// in AWS.
    pub fn remove_sso_user(&self, store: &str, id: &str) -> &Self {
        self.change(|world| {
            if let Some(store) = world.stores.get_mut(store) {
                forget_user(&mut store.user_by_name, &mut store.user_by_email, id);
                store.users.remove(id);
                for group in store.groups_of(id) {
                    store.leave(&group, id);
                }
            }
        })
    }

    /// A group of an identity store.
    pub fn add_sso_group(&self, store: &str, id: &str, name: &str) -> &Self {
        self.change(|world| {
            let store = world.stores.entry(store.into()).or_default();
            store.groups.insert(id.into(), name.into());
        })
    }

    /// Removes a group and its memberships. Assignments to it stay behind.
    pub fn remove_sso_group(&self, store: &str, id: &str) -> &Self {
        self.change(|world| {
            if let Some(store) = world.stores.get_mut(store) {
                store.groups.remove(id);
                for (user, _) in store.users_in(id) {
                    store.leave(id, &user);
                }
            }
        })
    }

    /// An IAM user.
    pub fn add_iam_user(&self, account: &str, name: &str) -> &Self {
        self.change_account(account, |account, now| {
            account.iam_users.insert(name.into(), now);
        })
    }

    /// Removes an IAM user and their memberships.
    pub fn remove_iam_user(&self, account: &str, name: &str) -> &Self {
        self.change_account(account, |account, _| {
            account.iam_users.remove(name);
            for group in account.iam_groups.values_mut() {
                group.members.remove(name);
            }
        })
    }

    /// An IAM group; `path` as AWS writes it: `/` or `/ops/`.
    pub fn add_iam_group(&self, account: &str, name: &str, path: &str) -> &Self {
        self.change_account(account, |account, now| {
            let group = IamGroup {
                path: path.into(),
                created: now,
                members: BTreeSet::new(),
            };
            account.iam_groups.insert(name.into(), group);
        })
    }

    /// Removes an IAM group and its memberships.
    pub fn remove_iam_group(&self, account: &str, name: &str) -> &Self {
        self.change_account(account, |account, _| {
            account.iam_groups.remove(name);
        })
    }

    /// A role. Adding it again replaces it, sessions included: they may do what the role allows now.
    pub fn add_role(&self, arn: &str, role: Role) -> &Self {
        self.change(|world| {
            world.roles.insert(arn.into(), role);
        })
    }

    /// Removes a role; its sessions are invalid from now on.
    pub fn remove_role(&self, arn: &str) -> &Self {
        self.change(|world| {
            world.roles.remove(arn);
        })
    }

    /// A long-lived access key of an identity, with patterns of the actions it may do. Any secret
    /// goes with it: signatures are not verified.
    pub fn add_access_key(
        &self,
        id: &str,
        account: &str,
        identity: &str,
        allows: &[&str],
    ) -> &Self {
        self.change(|world| {
            let allows = allows.iter().map(|&pattern| pattern.to_owned()).collect();
            let key = Key {
                account: account.into(),
                arn: identity.into(),
                allows,
                session: None,
            };
            world.keys.insert(id.into(), key);
        })
    }

    /// Removes an access key.
    pub fn remove_access_key(&self, id: &str) -> &Self {
        self.change(|world| {
            world.keys.remove(id);
        })
    }

    /// Assigns a permission set to a user by hand, at once, past every check.
    pub fn assign(&self, instance: &str, set: &str, account: &str, user: &str) -> &Self {
        let wanted = tuple(instance, set, account, PrincipalKind::User, user);
        self.change(|world| world.assignments.insert(wanted))
    }

    /// Takes a user's assignment away by hand, at once.
    pub fn unassign(&self, instance: &str, set: &str, account: &str, user: &str) -> &Self {
        let doomed = tuple(instance, set, account, PrincipalKind::User, user);
        self.change(|world| world.assignments.remove(&doomed))
    }

    /// Assigns a permission set to a group by hand, at once, past every check.
    pub fn assign_group(&self, instance: &str, set: &str, account: &str, group: &str) -> &Self {
        let wanted = tuple(instance, set, account, PrincipalKind::Group, group);
        self.change(|world| world.assignments.insert(wanted))
    }

    /// Takes a group's assignment away by hand, at once.
    pub fn unassign_group(&self, instance: &str, set: &str, account: &str, group: &str) -> &Self {
        let doomed = tuple(instance, set, account, PrincipalKind::Group, group);
        self.change(|world| world.assignments.remove(&doomed))
    }

    /// Puts a user into a group of the identity store by hand.
    pub fn join_group(&self, store: &str, group: &str, user: &str) -> &Self {
        self.change(|world| {
            let id = world.uuid();
            if let Some(store) = world.stores.get_mut(store) {
                store.join(id, group, user);
            }
        })
    }

    /// Takes a user out of a group of the identity store by hand.
    pub fn leave_group(&self, store: &str, group: &str, user: &str) -> &Self {
        self.change(|world| {
            if let Some(store) = world.stores.get_mut(store) {
                store.leave(group, user);
            }
        })
    }

    /// Puts an IAM user into an IAM group by hand.
    pub fn join_iam_group(&self, account: &str, group: &str, user: &str) -> &Self {
        self.change_account(account, |account, _| {
            if let Some(group) = account.iam_groups.get_mut(group) {
                group.members.insert(user.into());
            }
        })
    }

    /// Takes an IAM user out of an IAM group by hand.
    pub fn leave_iam_group(&self, account: &str, group: &str, user: &str) -> &Self {
        self.change_account(account, |account, _| {
            if let Some(group) = account.iam_groups.get_mut(group) {
                group.members.remove(user);
            }
        })
    }
}

fn forget_user(
    by_name: &mut HashMap<String, String>,
    by_email: &mut HashMap<String, String>,
    id: &str,
) {
    by_name.retain(|_, owner| owner != id);
    by_email.retain(|_, owner| owner != id);
}

pub(super) fn tuple(
    instance: &str,
    set: &str,
    account: &str,
    kind: PrincipalKind,
    principal: &str,
) -> Assignment {
    Assignment {
        instance: instance.into(),
        account: account.into(),
        permission_set: set.into(),
        kind,
        principal: principal.into(),
    }
}
