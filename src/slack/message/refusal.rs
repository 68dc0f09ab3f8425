//! What the bot answers when somebody may not do what they tried: what, why, and what now.

use super::words::{capital, people, sentence, what};
use crate::access::{AccessRequest, People, Person, Refusal, Status};
use crate::slack::mrkdwn::{cut, date, user};

/// A refusal in a sentence or two, as `mrkdwn`. The request makes it concrete where it is known.
pub fn refusal(refusal: &Refusal, request: Option<&AccessRequest>) -> String {
    let it = request
        .map_or_else(|| "this request".to_owned(), |request| format!("the request for {}", what(request)));
    let channel = request.and_then(|request| request.terms.channel.as_deref());
    if let Some(text) = in_an_emergency(refusal, request) {
        return text;
    }
    match refusal {
        Refusal::Stranger => {
            "You belong to another workspace, so you cannot act here. A member of this workspace can."
                .to_owned()
        }
        Refusal::Guest => "Guests cannot use these buttons. A full member of this workspace can.".to_owned(),
        Refusal::Bot => "Only people can use these buttons.".to_owned(),
        Refusal::Deactivated => "Your account here is deactivated, so nothing was done.".to_owned(),
        Refusal::OwnRequest => {
            "This is your own request: somebody else has to decide on it. It stays open until they do."
                .to_owned()
        }
        Refusal::NotApprover { approvers } => {
            format!("You are not among those who decide on {it}.{}", who_can(approvers, channel))
        }
        Refusal::RightUnknown => {
            "Slack or AWS could not say just now whether you may do this, so nothing was done. Try again in \
             a minute."
                .to_owned()
        }
        Refusal::ApprovedAlready => {
            format!("You have already approved {it}. It still waits for others.")
        }
        Refusal::Decided { by: Some(by) } => format!("{} has already approved {it}.", name(by)),
        Refusal::Decided { by: None } => format!("A rule has already approved {it}; nobody needs to."),
        Refusal::DeniedAlready { by } => format!("{} has already denied {it}.", name(by)),
        Refusal::Lapsed { at } => {
            format!("Nobody answered {it} in time: it lapsed {}. The requester can ask again.", date(*at))
        }
        Refusal::Withdrawn => {
            format!("{} was taken back, so there is nothing to decide.", capital(&it))
        }
        Refusal::NotReady => {
            "The bot is still finding out who the requester is in AWS. Try again in a moment.".to_owned()
        }
        Refusal::Over => over(&it, request),
        Refusal::NotYoursToEnd => {
            "Only the requester and those who may approve can end this access.".to_owned()
        }
        Refusal::RevokeNotAllowed => {
            "This flow does not allow ending access early. It ends by itself when its time is up.".to_owned()
        }
        Refusal::NotYoursToWithdraw => {
            "Only the requester can take a request back. You can deny it, if you may decide on it.".to_owned()
        }
        Refusal::NothingToAcknowledge => "There is nothing to acknowledge here.".to_owned(),
        Refusal::Unknown => {
            "The bot does not know this request any more, so nothing was done. Ask again with `/sym request`."
                .to_owned()
        }
        Refusal::Stale => "This has moved on in the meantime, so nothing was done.".to_owned(),
    }
}

/// Where it was closed for a reason, this is the reason.
fn over(it: &str, request: Option<&AccessRequest>) -> String {
    match request.map(|request| &request.status) {
        Some(Status::Refused { why, .. }) => format!("Nothing was done: {it} was closed. {}", sentence(why)),
        _ => format!("Nothing was done: {it} is over."),
    }
}

/// What is refused in other words where access was taken in an emergency: nobody decides on it, somebody
/// else acknowledges it.
fn in_an_emergency(refusal: &Refusal, request: Option<&AccessRequest>) -> Option<String> {
    let request = request?;
    let emergency = request.terms.emergency.as_ref()?;
    if *refusal == Refusal::OwnRequest {
        return Some("You took this access yourself, so somebody else has to acknowledge it.".to_owned());
    }
    if let Refusal::NotApprover { approvers } = refusal {
        let who_can = who_can(approvers, request.terms.channel.as_deref());
        return Some(format!("You are not among those who can acknowledge this emergency.{who_can}"));
    }
    let by = emergency.acknowledged.as_ref().filter(|_| *refusal == Refusal::NothingToAcknowledge)?;
    Some(format!("{} has already acknowledged it.", name(&by.by)))
}

/// Who may instead, as a further sentence.
fn who_can(approvers: &[People], channel: Option<&str>) -> String {
    match people(approvers, channel) {
        names if names.is_empty() => String::new(),
        names => format!(" {} can.", capital(&cut(&names, 1000))),
    }
}

fn name(person: &Person) -> String {
    user(&person.user)
}
