//! What people do in the console while the bot is at work: assigning by hand, changing things and
//! deleting them. Everything is done at once, past every check, and returns the handle. What is not
//! there is not removed.
use super::Aws;
use super::model::{Assignment, PrincipalKind};

impl Aws {
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

    /// Removes an Identity Center instance and every assignment in it. Its identity store stays.
    pub fn remove_instance(&self, arn: &str) -> &Self {
        self.change(|world| {
            world.instances.remove(arn);
            world.assignments.remove_where(|one| one.instance == arn);
        })
    }

    /// Removes a permission set and every assignment of it.
    pub fn remove_permission_set(&self, instance: &str, arn: &str) -> &Self {
        self.change(|world| {
            if let Some(instance) = world.instances.get_mut(instance) {
                instance.permission_sets.remove(arn);
            }
            world.assignments.remove_where(|one| one.permission_set == arn);
        })
    }

    /// Removes a user and their memberships. Assignments stay behind, naming a dead id, as they do
    /// in AWS.
    pub fn remove_sso_user(&self, store: &str, id: &str) -> &Self {
        self.change(|world| {
            if let Some(store) = world.stores.get_mut(store) {
                store.forget_user(id);
                for group in store.groups_of(id) {
                    store.leave(&group, id);
                }
            }
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

    /// Removes an IAM user and their memberships.
    pub fn remove_iam_user(&self, account: &str, name: &str) -> &Self {
        self.change(|world| {
            let Some(account) = world.accounts.get_mut(account) else {
                return;
            };
            account.iam_users.remove(name);
            for group in account.iam_groups.values_mut() {
                group.members.remove(name);
            }
        })
    }

    /// Removes an IAM group and its memberships.
    pub fn remove_iam_group(&self, account: &str, name: &str) -> &Self {
        self.change(|world| {
            let Some(account) = world.accounts.get_mut(account) else {
                return;
            };
            account.iam_groups.remove(name);
        })
    }

    /// Removes a role; its sessions are invalid from now on.
    pub fn remove_role(&self, arn: &str) -> &Self {
        self.change(|world| {
            world.roles.remove(arn);
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
        self.change(|world| {
            let Some(account) = world.accounts.get_mut(account) else {
                return;
            };
            if let Some(group) = account.iam_groups.get_mut(group) {
                group.members.remove(user);
            }
        })
    }
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
