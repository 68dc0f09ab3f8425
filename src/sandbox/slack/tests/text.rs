use super::*;
use crate::sandbox::slack::zone;

#[tokio::test]
async fn a_message_reads_well_as_text() {
    let world = World::new().await;
    let message = json!({ "text": "fallback", "blocks": [
        { "type": "header", "text": plain("Request") },
        { "type": "section", "text": { "type": "mrkdwn",
          "text": format!("<@{}> wants *prod* &lt;now&gt; in <#{}>, see <https://x.io|the ticket>", world.ana, world.general) },
          "fields": [{ "type": "mrkdwn", "text": "*For*\n1 hour" }] },
        { "type": "divider" },
        { "type": "context", "elements": [{ "type": "mrkdwn",
          "text": "ends <!date^1700003600^{date_short_pretty} at {time}|soon>, <!date^x^{time}|later>" }] },
        { "type": "actions", "elements": [
            { "type": "button", "text": plain("Approve"), "action_id": "a" },
            { "type": "button", "text": plain("Deny"), "action_id": "d" } ] },
    ] });
    assert_eq!(
        world.slack.render_text_in(&message, "Europe/Berlin"),
        "# Request\n@ana wants *prod* <now> in #general, see the ticket (https://x.io)\n· *For* 1 hour\n────\n\
         (ends tomorrow at 12:13 AM, later)\n[Approve] [Deny]"
    );
    assert_eq!(
        world.slack.render_text(&json!({ "text": "<!here> &amp; <!date^0^{date_num} {date_long}|x>" })),
        "@here & 1970-01-01 Thursday, January 1st, 1970"
    );
}

#[test]
fn zones_know_summer() {
    let at = |year, month, day, hour: i64| zone::days(year, month, day) * 86_400 + hour * 3600;
    assert_eq!(zone::offset("Europe/Berlin", at(2024, 3, 31, 0)), 3600);
    assert_eq!(zone::offset("Europe/Berlin", at(2024, 3, 31, 1)), 7200);
    assert_eq!(zone::offset("Europe/Berlin", at(2024, 10, 27, 1)), 3600);
    assert_eq!(zone::offset("America/New_York", at(2024, 3, 10, 6)), -18_000);
    assert_eq!(zone::offset("America/New_York", at(2024, 3, 10, 7)), -14_400);
    assert_eq!(zone::offset("America/New_York", at(2024, 11, 3, 5)), -14_400);
    assert_eq!(zone::offset("America/New_York", at(2024, 11, 3, 6)), -18_000);
    assert_eq!(zone::offset("Asia/Kolkata", 0), 19_800);
    assert_eq!(zone::civil(at(2024, 2, 29, 23)), (2024, 2, 29));
    assert_eq!(zone::civil(-1), (1969, 12, 31));
}
