//! Sets a stage for any catalog: a simulated Slack with the channels its flows name, and a simulated
//! AWS with everything its targets refer to, so that people can try their own flows.

use crate::access::{Connection, Target, TargetKind};
use crate::aws::BaseCredentials;
use crate::clock::Clock;
use crate::manifest::Catalog;
use crate::sandbox::aws::{Aws, Role};
use crate::sandbox::slack::{Person, Slack};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// The access key the bot has on this stage.
const KEY: &str = "AKIASYMDEMO000000001";
/// The account of the bot where no role says otherwise.
const BOT_ACCOUNT: &str = "111122223333";
/// For connections that name no region.
const REGION: &str = "us-east-1";
/// The organization's accounts that people can name, beside those in the manifests.
const ACCOUNTS: [(&str, &str); 3] =
    [("111122223333", "prod"), ("444455556666", "staging"), ("777788889999", "dev")];

/// A simulated Slack and a simulated AWS, ready to play.
#[derive(Clone)]
pub struct Stage {
    /// The workspace.
    pub slack: Slack,
    /// AWS.
    pub aws: Aws,
    people: BTreeMap<String, Player>,
    channels: BTreeMap<String, String>,
    stores: BTreeMap<String, String>,
    accounts: BTreeSet<String>,
}

/// Somebody on the stage.
#[derive(Debug, Clone)]
pub struct Player {
    /// `ana`
    pub handle: String,
    /// Their Slack user.
    pub user: String,
    /// Their user id in every identity store.
    pub sso_user: String,
    /// Their IAM user name, which is their address.
    pub iam_user: String,
}

impl Stage {
    /// Builds the stage. `address` is where the workspace's page is; any free port when it is `None`.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn build(
        catalog: &Catalog,
        clock: &Clock,
        address: Option<SocketAddr>,
    ) -> std::io::Result<Self> {
        let slack = match address {
            Some(address) => Slack::start_on(address, clock.as_function()).await?,
            None => Slack::start(clock.as_function()).await?,
        };
        let aws = Aws::start(clock.as_function()).await?;
        let mut stage = Self {
            slack,
            aws,
            people: BTreeMap::new(),
            channels: BTreeMap::new(),
            stores: BTreeMap::new(),
            accounts: BTreeSet::new(),
        };
        stage.add_organization();
        stage.add_people();
        stage.add_channels(catalog);
        for target in catalog.flows.iter().flat_map(|entry| &entry.flow.targets) {
            stage.add_target(target);
        }
        Ok(stage)
    }

    /// The credentials and the address with which the bot reaches this AWS.
    pub fn aws_settings(&self, clock: &Clock) -> crate::aws::Settings {
        crate::aws::Settings {
            endpoint_url: Some(self.aws.endpoint()),
            region: Some(REGION.to_owned()),
            credentials: BaseCredentials::Static {
                access_key_id: KEY.to_owned(),
                secret_access_key: "simulated".to_owned(),
            },
            ..crate::aws::Settings::new(clock.as_function())
        }
    }

    /// The id of the bot's access key; any secret goes with it.
    pub fn access_key(&self) -> &'static str {
        KEY
    }

    /// The person of that handle.
    pub fn player(&self, handle: &str) -> Option<&Player> {
        self.people.get(handle)
    }

    /// Everybody, by handle.
    pub fn players(&self) -> impl Iterator<Item = &Player> {
        self.people.values()
    }

    /// The id of `#name`.
    pub fn channel(&self, name: &str) -> Option<&str> {
        self.channels.get(name.trim_start_matches('#')).map(String::as_str)
    }

    /// The identity store of an instance.
    pub fn store_of(&self, instance_arn: &str) -> Option<&str> {
        self.stores.get(instance_arn).map(String::as_str)
    }

    fn add_organization(&mut self) {
        for (id, name) in ACCOUNTS {
            self.add_account(id, name);
        }
        self.aws.add_access_key(
            KEY,
            BOT_ACCOUNT,
            &format!("arn:aws:iam::{BOT_ACCOUNT}:user/sym-bot"),
            &["*"],
        );
    }

    /// An account of the organization, unless it is there already.
    fn add_account(&mut self, id: &str, name: &str) {
        if !self.accounts.insert(id.to_owned()) {
            return;
        }
        self.aws.add_account(id, name);
        if id == BOT_ACCOUNT {
            self.aws.add_organization("o-abcdef1234", BOT_ACCOUNT, "r-abcd");
        } else {
            self.aws.place_account(id, "r-abcd");
        }
    }

    fn add_people(&mut self) {
        let guest = Person { is_guest: true, ..Person::new("gil") };
        let people = [
            Person { real_name: "Ana Torres".into(), tz: "Europe/Madrid".into(), ..Person::new("ana") },
            Person { real_name: "Bo Lindqvist".into(), tz: "Europe/Stockholm".into(), ..Person::new("bo") },
            Person { real_name: "Cy Okafor".into(), tz: "America/New_York".into(), ..Person::new("cy") },
            Person { real_name: "Dee Park".into(), ..Person::new("dee") },
            Person { real_name: "Gil Guest".into(), ..guest },
        ];
        for (number, person) in (1..).zip(people) {
            let handle = person.handle.clone();
            let email = person.email.clone().unwrap_or_default();
            let user = self.slack.add_person(person);
            let sso_user = format!("{number:08}-2222-4333-8444-555555555555");
            self.people.insert(handle.clone(), Player { handle, user, sso_user, iam_user: email });
        }
    }

    fn add_channels(&mut self, catalog: &Catalog) {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for entry in &catalog.flows {
            names.extend(entry.flow.channel.clone());
            names.extend(entry.flow.error_channel.clone());
            names.extend(entry.rules.iter().flat_map(|rule| rule.notify.clone()));
        }
        names.retain(|name| name.starts_with('#'));
        let user = |handle: &str| self.people.get(handle).map_or("", |player| player.user.as_str());
        let everybody: Vec<&str> = self.people.values().map(|player| player.user.as_str()).collect();
        let approvers = [user("ana"), user("bo"), user("cy"), user("gil")];
        self.channels
            .insert("general".to_owned(), self.slack.add_channel("general", &everybody, false, false));
        for name in names {
            let name = name.trim_start_matches('#').to_owned();
            let id = self.slack.add_channel(&name, &approvers, false, true);
            self.channels.insert(name, id);
        }
    }

    fn add_target(&mut self, target: &Target) {
        let owner = self.add_roles(&target.connection);
        let setting = |name: &str| target.settings.get(name).cloned().unwrap_or_default();
        if let Some(account) = target.settings.get("account_id") {
            self.add_account(account, target.name.as_str());
        }
        match target.kind {
            TargetKind::AwsSsoPermissionSet => {
                self.add_instance(target, &owner);
                let arn = setting("permission_set_arn");
                self.aws.add_permission_set(&target.instance_arn, &arn, target.name.as_str(), "PT1H");
            }
            TargetKind::AwsSsoGroup => {
                let store = self.add_instance(target, &owner);
                self.aws.add_sso_group(&store, &setting("group_id"), &target.label);
            }
            TargetKind::AwsIamGroup => {
                let account = &target.iam_account_id;
                self.add_account(account, "iam");
                for player in self.people.values() {
                    self.aws.add_iam_user(account, &player.iam_user);
                }
                self.aws.add_iam_group(account, &setting("iam_group"), "/");
            }
        }
    }

    /// The instance with its people, once; returns its identity store.
    fn add_instance(&mut self, target: &Target, owner: &str) -> String {
        if let Some(store) = self.stores.get(&target.instance_arn) {
            return store.clone();
        }
        let store = format!("d-{}", 1_234_567_890 + self.stores.len());
        let region = target.connection.region.as_deref().unwrap_or(REGION);
        self.aws.add_instance(&target.instance_arn, &store, region, owner);
        for player in self.people.values() {
            self.aws.add_sso_user(&store, &player.sso_user, &player.iam_user, &player.iam_user);
        }
        self.stores.insert(target.instance_arn.clone(), store.clone());
        store
    }

    /// The roles of a connection, each trusting the one before; returns the account of the last.
    fn add_roles(&mut self, connection: &Connection) -> String {
        let mut trusted = format!("arn:aws:iam::{BOT_ACCOUNT}:user/sym-bot");
        let mut account = BOT_ACCOUNT.to_owned();
        for hop in &connection.hops {
            if let Some(id) = hop.role_arn.split(':').nth(4) {
                self.add_account(id, "aws");
                id.clone_into(&mut account);
            }
            let role = Role {
                trusted: vec![trusted.clone()],
                external_id: hop.external_id.clone(),
                may_set_source_identity: true,
                allows: ["sso:*", "identitystore:*", "organizations:*", "iam:*", "sts:*"]
                    .map(str::to_owned)
                    .to_vec(),
                ..Role::default()
            };
            self.aws.add_role(&hop.role_arn, role);
            trusted.clone_from(&hop.role_arn);
        }
        account
    }
}
