//! Many claims at once: copies of one that was asked for, written into the books as they would be.

use super::custody::{ADMIN, HOUR, INSTANCE};
use super::{Asked, World};
use std::collections::BTreeSet;
use sym::access::{
    Claim, ClaimStage, Custody, Entitlement, EntitlementId, Principal, RequestId, Resource, Retry, Span,
    Status, Timestamp,
};
use sym::store::Commit;

/// One of many.
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) set: String,
}

/// An account of many.
pub(crate) fn account(n: usize) -> String {
    format!("9{n:011}")
}

/// So many different assignments, spread over so many accounts and the permission sets.
pub(crate) fn places(count: usize, accounts: usize, sets: &[&str]) -> Vec<Place> {
    let place = |n: usize| Place {
        account: account(n % accounts),
        user: format!("{:08x}-2222-4333-8444-555555555555", 0x1000 + n),
        set: sets[n % sets.len()].to_owned(),
    };
    (0..count).map(place).collect()
}

impl World {
    /// Access that lives, at all these places, until `ends_at`: in the books and in AWS.
    pub(crate) async fn crowd(&self, places: &[Place], ends_at: Timestamp) -> Vec<Asked> {
        let held = ClaimStage::Confirmed { ends_at: Some(ends_at) };
        let retry = Retry::now(self.now());
        let status = Status::Active { since: self.now(), ends_at: Some(ends_at), warned: true };
        for place in places {
            self.aws().assign(INSTANCE, &place.set, &place.account, &place.user);
        }
        self.copies("held", places, held, &Custody::Held { retry }, &status).await
    }

    /// Access that was approved, at all these places, and is to be given from `at` on.
    pub(crate) async fn crowd_to_come(&self, places: &[Place], at: Timestamp) -> Vec<Asked> {
        let end = Some(at + HOUR);
        let wanted = ClaimStage::Wanted { give_up_at: at + Span::minutes(15), provisional_end: end };
        let retry = Retry { at, ..Retry::now(at) };
        let status = Status::Granting { since: self.now(), provisional_end: end };
        let custody = Custody::Granting { operation: None, polls: 0, retry };
        self.copies("come", places, wanted, &custody, &status).await
    }

    async fn copies(
        &self,
        name: &str,
        places: &[Place],
        stage: ClaimStage,
        custody: &Custody,
        status: &Status,
    ) -> Vec<Asked> {
        let (request, entitlement) = self.model().await;
        let store = self.identity_store().to_owned();
        let mut commit = Commit { at: self.now(), ..Commit::default() };
        let mut asked = Vec::new();
        let mut accounts = BTreeSet::new();
        for (n, place) in places.iter().enumerate() {
            if accounts.insert(&place.account) {
                self.aws().add_account(&place.account, "one of many").place_account(&place.account, "r-abcd");
            }
            self.aws().add_sso_user(&store, &place.user, &place.user, &place.user);
            let id = RequestId::new(format!("{name}{n:08}"));
            let principal =
                Principal::SsoUser { identity_store_id: store.clone(), user_id: place.user.clone() };
            let resource = Resource::SsoPermissionSet {
                instance_arn: INSTANCE.to_owned(),
                permission_set_arn: place.set.clone(),
                account_id: place.account.clone(),
            };
            let mut copy = request.clone();
            copy.id = id.clone();
            copy.principal = Some(principal.clone());
            copy.cards.clear();
            copy.status = status.clone();
            if let Some(target) = &mut copy.target {
                target.resource = resource.clone();
            }
            let claim = Claim { duration: Some(HOUR), stage };
            commit.entitlements.push(Entitlement {
                id: EntitlementId::of(&principal, &resource),
                principal,
                resource,
                claims: [(id.clone(), claim)].into(),
                custody: custody.clone(),
                ..entitlement.clone()
            });
            commit.requests.push(copy);
            asked.push(Asked { id });
        }
        self.engine().store().commit(commit).unwrap().on_disk().await.unwrap();
        asked
    }

    /// A request and what it holds, to be copied; it is over when this returns.
    async fn model(&self) -> (sym::access::AccessRequest, Entitlement) {
        let model = self.admin("ana", HOUR).await;
        let request = self.request(&model);
        let id = request.entitlement().unwrap();
        let entitlement = self.engine().store().entitlement(&id).unwrap().unwrap();
        assert_eq!(entitlement.resource, request.target.as_ref().unwrap().resource);
        assert!(self.person("ana").holds(ADMIN.rsplit('/').next().unwrap(), super::custody::PROD));
        self.person("ana").revokes(&model).await;
        self.settle().await;
        (request, entitlement)
    }

    /// Lets time pass until nothing that was given is in the books; returns how long that took.
    pub(crate) async fn passes_until_all_is_gone(&self, most: Span) -> Span {
        let begun = self.now();
        loop {
            self.engine().settle().await;
            if self.engine().store().entitlements().next().is_none() {
                return self.now().since(begun);
            }
            let next = self.engine().next_due().unwrap().expect("something is due");
            assert!(next <= begun + most, "it is not over after {most}");
            self.jump(next.max(self.now()));
        }
    }
}
