use super::queue::{CALLS, FORGET_AFTER_MS, KEPT_FOR_REVOCATIONS, KEPT_MS, OPERATIONS, WINDOW_MS};
use super::*;
use proptest::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering};

fn seat(account: &str, tuple: &str) -> Seat {
    Seat { account: account.to_owned(), tuple: tuple.to_owned() }
}

fn served(queue: &mut Queue<u32>, now: i64) -> Vec<Served<u32>> {
    std::iter::from_fn(|| queue.next(now)).collect()
}

#[test]
fn revocations_are_served_before_grants_and_both_before_the_rest() {
    let mut queue = Queue::default();
    for n in 0..20 {
        queue.join(Urgency::Usual, Need::Call, 0, n);
    }
    assert_eq!(served(&mut queue, 0).len(), CALLS);
    let all = [(Urgency::Background, 1), (Urgency::Usual, 2), (Urgency::Revocation, 3), (Urgency::Usual, 4)];
    for (urgency, n) in all {
        queue.join(urgency, Need::Call, 1, n);
    }
    queue.join(Urgency::Revocation, Need::Call, 2, 5);
    assert_eq!(served(&mut queue, 1_000), []);
    assert_eq!(queue.next_moment(1_000), Some(WINDOW_MS));
    assert_eq!(served(&mut queue, WINDOW_MS), [3, 5, 2, 4, 1].map(Served::Call));
    assert_eq!(queue.next_moment(WINDOW_MS), None);
}

#[test]
fn what_nobody_waits_for_leaves_half_of_the_calls_to_whoever_comes_behind_it() {
    let mut queue = Queue::default();
    for n in 0..30 {
        queue.join(Urgency::Background, Need::Call, 0, n);
    }
    assert_eq!(served(&mut queue, 0).len(), CALLS / 2);
    assert_eq!(queue.next_moment(0), Some(WINDOW_MS));
    queue.join(Urgency::Usual, Need::Call, 1, 100);
    assert_eq!(served(&mut queue, 1), [Served::Call(100)], "no wait behind it");
    assert_eq!(served(&mut queue, WINDOW_MS).len(), CALLS / 2 - 1);
    assert_eq!(queue.next_moment(WINDOW_MS), Some(WINDOW_MS + 1), "one more when the grant's is over");
}

#[test]
fn an_account_has_one_operation_at_a_time_and_a_revocation_has_the_next() {
    let mut queue = Queue::default();
    let (a1, a2, a3, b1) = (seat("a", "1"), seat("a", "2"), seat("a", "3"), seat("b", "1"));
    queue.join(Urgency::Usual, Need::Place(a1.clone()), 0, 1);
    queue.join(Urgency::Usual, Need::Place(a2.clone()), 0, 2);
    queue.join(Urgency::Revocation, Need::Place(a3.clone()), 0, 3);
    queue.join(Urgency::Usual, Need::Place(b1.clone()), 0, 4);
    assert_eq!(served(&mut queue, 0), [Served::Place(3, a3.clone()), Served::Place(4, b1)]);
    queue.run(&a3, 0);
    queue.leave(&a3);
    assert_eq!(served(&mut queue, 0), []);
    // What is started on the assignment itself takes the place of what went before.
    queue.join(Urgency::Revocation, Need::Place(a3.clone()), 0, 5);
    assert_eq!(served(&mut queue, 0), [Served::Place(5, a3.clone())]);
    queue.leave(&a3);
    queue.end(&a3);
    assert_eq!(served(&mut queue, 0), [Served::Place(1, a1.clone())]);
    queue.leave(&a1);
    assert_eq!(served(&mut queue, 0), [Served::Place(2, a2)]);
}

#[test]
fn grants_leave_two_places_to_revocations() {
    let mut queue = Queue::default();
    for n in 0..20 {
        queue.join(Urgency::Usual, Need::Place(seat(&format!("{n}"), "")), 0, n);
    }
    assert_eq!(served(&mut queue, 0).len(), OPERATIONS - KEPT_FOR_REVOCATIONS);
    for n in 20..30 {
        queue.join(Urgency::Revocation, Need::Place(seat(&format!("{n}"), "")), 0, n);
    }
    assert_eq!(served(&mut queue, 0).len(), KEPT_FOR_REVOCATIONS);
    assert_eq!(queue.in_flight(), OPERATIONS);
}

#[test]
fn an_operation_that_nobody_hears_of_does_not_block_its_account_for_ever() {
    let mut queue = Queue::default();
    let (lost, next) = (seat("a", "1"), seat("a", "2"));
    queue.run(&lost, 0);
    let now = FORGET_AFTER_MS - 1;
    queue.join(Urgency::Revocation, Need::Place(next.clone()), now, 1);
    assert_eq!(served(&mut queue, now), []);
    assert_eq!(queue.next_moment(now), Some(FORGET_AFTER_MS));
    assert_eq!(served(&mut queue, FORGET_AFTER_MS), [Served::Place(1, next)]);
}

#[test]
fn whoever_waits_too_long_is_sent_back() {
    let mut queue = Queue::default();
    queue.run(&seat("a", "1"), 0);
    queue.join(Urgency::Revocation, Need::Place(seat("a", "2")), 0, 1);
    assert_eq!(queue.next_moment(0), Some(5_000));
    assert_eq!(served(&mut queue, 4_999), []);
    assert_eq!(served(&mut queue, 5_000), [Served::SentBack(1)]);
    queue.close();
    queue.join(Urgency::Revocation, Need::Call, 0, 2);
    assert_eq!(served(&mut queue, 0), [Served::SentBack(2)]);
}

#[test]
fn the_turn_of_a_revocation_that_is_sent_back_is_kept_until_it_comes_again() {
    let mut queue = Queue::default();
    let (running, first, second) = (seat("a", "1"), seat("a", "2"), seat("a", "3"));
    queue.run(&running, 0);
    queue.join(Urgency::Revocation, Need::Place(first.clone()), 0, 1);
    queue.join(Urgency::Usual, Need::Place(second.clone()), 1, 2);
    assert_eq!(served(&mut queue, 5_000), [Served::SentBack(1)]);
    queue.join(Urgency::Usual, Need::Place(second.clone()), 5_000, 3);
    queue.end(&running);
    assert_eq!(served(&mut queue, 5_000), []);
    queue.join(Urgency::Revocation, Need::Place(first.clone()), 5_000, 4);
    assert_eq!(served(&mut queue, 5_000), [Served::Place(4, first.clone())]);
    queue.leave(&first);
    // One that never comes again keeps nobody waiting for long.
    assert_eq!(queue.next_moment(5_000), Some(5_001));
    assert_eq!(served(&mut queue, 5_001), [Served::SentBack(2)]);
    assert_eq!(queue.next_moment(5_001), Some(5_000 + KEPT_MS));
    assert_eq!(served(&mut queue, 5_000 + KEPT_MS), [Served::Place(3, second)]);
}

#[test]
fn a_clock_that_is_set_back_stops_nobody() {
    let mut queue = Queue::default();
    let hour = 3_600_000;
    for n in 0..25 {
        queue.join(Urgency::Usual, Need::Call, hour, n);
    }
    assert_eq!(served(&mut queue, hour).len(), 20);
    queue.run(&seat("a", "1"), hour);
    assert_eq!(served(&mut queue, 0).len(), 0);
    assert_eq!(served(&mut queue, WINDOW_MS).len(), 5);
    queue.join(Urgency::Usual, Need::Place(seat("a", "2")), WINDOW_MS, 30);
    assert!(queue.next_moment(WINDOW_MS).is_some_and(|at| at <= WINDOW_MS + 5_000));
}

proptest! {
    #[test]
    fn whoever_comes_when_and_wants_what_the_quotas_hold(
        arrivals in prop::collection::vec((0_i64..400, 0_u8..3, prop::option::of(0_u8..14), any::<bool>()), 1..300)
    ) {
        let mut queue = Queue::default();
        let (mut now, mut calls, mut seats) = (0, Vec::new(), Vec::<Seat>::new());
        for (n, (gap, urgency, account, ends)) in (0_u32..).zip(arrivals) {
            now += gap;
            let urgency = [Urgency::Revocation, Urgency::Usual, Urgency::Background][usize::from(urgency)];
            let need = account.map_or(Need::Call, |a| Need::Place(seat(&a.to_string(), &n.to_string())));
            queue.join(urgency, need, now, n);
            if ends && !seats.is_empty() {
                let seat = seats.swap_remove(0);
                queue.leave(&seat);
                queue.end(&seat);
            }
            for served in served(&mut queue, now) {
                match served {
                    Served::Call(_) => calls.push(now),
                    Served::Place(_, seat) => seats.push(seat),
                    Served::SentBack(_) => {}
                }
            }
            let accounts: HashSet<_> = seats.iter().map(|seat| &seat.account).collect();
            prop_assert!(seats.len() <= OPERATIONS && accounts.len() == seats.len());
            let recent = calls.iter().filter(|at| **at > now - 1_000).count();
            prop_assert!(recent <= 20, "{} calls in a second", recent);
        }
    }
}

fn budget() -> (Arc<AtomicI64>, Arc<Budget>) {
    let time = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&time);
    let budgets = Budgets::new(Arc::new(move || clock.load(Ordering::Relaxed)));
    (time, budgets.of("arn:aws:sso:::instance/ssoins-1"))
}

#[tokio::test]
async fn a_place_is_given_free_however_its_holder_ends() {
    let (_, budget) = budget();
    let place = || budget.place(Urgency::Revocation, seat("a", "1"));
    drop(place().await.unwrap());
    let holder = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move {
            let _place = budget.place(Urgency::Revocation, seat("a", "2")).await.unwrap();
            panic!("in the middle of its work");
        }
    });
    assert!(holder.await.is_err());
    assert_eq!(budget.queue().in_flight(), 0);
    // Whoever gives up while waiting, or is given a place and never takes it.
    let first = place().await.unwrap();
    let mut second = Box::pin(budget.place(Urgency::Revocation, seat("a", "2")));
    assert!(futures_util::poll!(&mut second).is_pending());
    let mut third = Box::pin(budget.place(Urgency::Revocation, seat("a", "3")));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(second);
    drop(first);
    assert_eq!(budget.queue().in_flight(), 1, "the third has it, and does not know yet");
    drop(third);
    assert_eq!(budget.queue().in_flight(), 0);
    place().await.unwrap().keep();
    assert_eq!(budget.queue().in_flight(), 1);
    budget.ended(&seat("a", "1"));
    assert_eq!(budget.queue().in_flight(), 0);
}

#[tokio::test]
async fn those_who_wait_are_served_as_time_passes() {
    let (time, budget) = budget();
    for _ in 0..CALLS {
        budget.turn(Urgency::Usual).await.unwrap();
    }
    let late = tokio::spawn({
        let budget = Arc::clone(&budget);
        async move { budget.turn(Urgency::Usual).await }
    });
    while budget.waiting() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(budget.next_turn(), Some(WINDOW_MS));
    time.store(WINDOW_MS, Ordering::Relaxed);
    late.await.unwrap().unwrap();
    assert_eq!(budget.waiting(), 0);
}

#[test]
fn many_operations_are_asked_about_together() {
    let (time, budget) = budget();
    assert_eq!(budget.known("creation", "op-1"), Known::NotRunning, "nothing else is in flight");
    budget.heard_of(&seat("a", "1"));
    budget.heard_of(&seat("b", "1"));
    assert_eq!(budget.known("creation", "op-1"), Known::Unknown);
    assert_eq!(budget.known("creation", "op-2"), Known::BeingRead);
    budget.saw("creation", Some(&["op-1".to_owned()]));
    assert_eq!(budget.known("creation", "op-1"), Known::Running);
    assert_eq!(budget.known("creation", "op-2"), Known::NotRunning);
    assert_eq!(budget.known("deletion", "op-1"), Known::Unknown);
    time.store(GLANCE_MS, Ordering::Relaxed);
    assert_eq!(budget.known("creation", "op-1"), Known::Unknown);
    budget.saw("creation", None);
    assert_eq!(budget.known("creation", "op-2"), Known::NotRunning, "a look may not be allowed");
    assert_eq!(budget.known("deletion", "op-1"), Known::BeingRead);
    // One who never came back does not keep the others from looking.
    time.store(READING_MS, Ordering::Relaxed);
    assert_eq!(budget.known("deletion", "op-1"), Known::Unknown);
    // By then the places are forgotten; new ones are looked at together again.
    time.store(GLANCE_MS + FAILED_MS, Ordering::Relaxed);
    assert_eq!(budget.known("creation", "op-1"), Known::Unknown);
}
