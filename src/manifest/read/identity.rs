//! `identity` blocks: what people are called in AWS.

use super::Records;
use super::people::is_email;
use crate::manifest::arn;
use crate::manifest::bag::Text;
use crate::manifest::reader::{Got, Reader, Texts};
use crate::manifest::schema;
use crate::manifest::source::{Fault, Place};
use crate::manifest::tree::Declared;
use crate::manifest::world::{Scope, World};
use std::rc::Rc;

/// An `identity` block.
#[derive(Debug)]
pub(in crate::manifest) struct IdentityRecord {
    pub(in crate::manifest) place: Place,
    pub(in crate::manifest) email: Option<Text>,
    pub(in crate::manifest) aws_sso: Option<Text>,
    pub(in crate::manifest) aws_iam: Option<Text>,
    pub(in crate::manifest) integrations: Got<Texts>,
}

pub(super) fn read<'a>(
    world: &World<'a>,
    scope: &Rc<Scope<'a>>,
    declared: &'a Declared,
    records: &mut Records,
) {
    let env = World::env(scope, declared.source);
    let bag = world.bag(&env, &declared.block, "identity", schema::IDENTITY);
    let reader = Reader::new(&bag, world.log);
    let email = bag.labels.first().cloned().filter(|label| {
        let ok = is_email(&label.text);
        if !ok {
            let message = format!("`{}` is not an e-mail address", label.text);
            reader.complain(
                Fault::new(label.place, message).hint("write `identity \"ana@example.com\" { … }`"),
            );
        }
        ok
    });
    let (aws_sso, aws_iam) = (reader.text("aws_sso"), reader.text("aws_iam"));
    if aws_sso.is_absent() && aws_iam.is_absent() {
        let message = "an `identity` needs `aws_sso` or `aws_iam`, or both";
        reader.complain(Fault::new(bag.place, message));
    }
    let aws_iam = aws_iam.given().filter(|name| {
        let ok = arn::is_iam_name(&name.text);
        if !ok {
            let fault = Fault::new(name.place, "`aws_iam` has to be the name of an IAM user");
            let hint = name.text.rsplit_once('/').map(|(_, bare)| format!("the name alone: `{bare}`"));
            reader.complain(fault.maybe_hint(hint));
        }
        ok
    });
    records.identities.push(IdentityRecord {
        place: bag.place,
        email,
        aws_sso: aws_sso.given(),
        aws_iam,
        integrations: reader.ids("integrations"),
    });
}
