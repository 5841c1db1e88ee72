use std::sync::Arc;

use relay::port::{DueMail, NewMail, Store};

use crate::cast::NOW_MS;

const HOUR_MS: u64 = 60 * 60 * 1_000;

async fn queue(store: &Arc<dyn Store>, letter: &str, queued_at_ms: u64, expires_at_ms: u64) {
    store.queue_mail(NewMail { letter: letter.to_owned(), queued_at_ms, expires_at_ms }).await.unwrap();
}

async fn due(store: &Arc<dyn Store>, now_ms: u64, limit: u32) -> Vec<DueMail> {
    store.due_mails(now_ms, limit).await.unwrap()
}

fn letters(mails: &[DueMail]) -> Vec<&str> {
    mails.iter().map(|mail| mail.letter.as_str()).collect()
}

/// Somebody waits for it. At most so many; of those that are over together, the one that was queued first; and asking does
/// not take them away.
pub async fn the_mail_that_is_over_soonest_is_due_first(store: Arc<dyn Store>) {
    assert_eq!(store.next_mail_due_ms().await.unwrap(), None);
    assert!(due(&store, NOW_MS, 10).await.is_empty());
    for (letter, queued_at_ms, hours) in
        [("c", NOW_MS, 24), ("a", NOW_MS + 1, 1), ("b", NOW_MS, 1), ("e", NOW_MS + 9, 2)]
    {
        queue(&store, letter, queued_at_ms, NOW_MS + hours * HOUR_MS).await;
    }
    assert_eq!(store.next_mail_due_ms().await.unwrap(), Some(NOW_MS));
    assert!(due(&store, NOW_MS - 1, 10).await.is_empty());
    assert_eq!(letters(&due(&store, NOW_MS + 1, 10).await), ["a", "b", "c"]);
    assert_eq!(letters(&due(&store, NOW_MS + 1, 2).await), ["a", "b"]);
    let all = due(&store, NOW_MS + 9, 10).await;
    assert_eq!(letters(&all), ["a", "b", "e", "c"]);
    assert!(all.iter().all(|mail| mail.tries == 0));
    let hours: Vec<_> = all.iter().map(|mail| (mail.expires_at_ms - NOW_MS) / HOUR_MS).collect();
    assert_eq!(hours, [1, 1, 2, 24]);
}

/// A reset's mail that arrives after a day is of no use to anybody.
pub async fn a_mail_that_is_over_is_dropped(store: Arc<dyn Store>) {
    queue(&store, "short", NOW_MS, NOW_MS + 10).await;
    queue(&store, "long", NOW_MS + 1, NOW_MS + HOUR_MS).await;
    assert_eq!(letters(&due(&store, NOW_MS + 9, 10).await), ["short", "long"]);
    assert_eq!(letters(&due(&store, NOW_MS + 10, 10).await), ["long"]);
    assert_eq!(letters(&due(&store, NOW_MS + 9, 10).await), ["long"], "it does not come back");
    assert_eq!(store.next_mail_due_ms().await.unwrap(), Some(NOW_MS + 1));
    assert!(due(&store, NOW_MS + HOUR_MS, 10).await.is_empty());
    assert_eq!(store.next_mail_due_ms().await.unwrap(), None);
}

/// Tries are counted, and the next is when it was said.
pub async fn a_postponed_mail_waits_and_counts_its_tries(store: Arc<dyn Store>) {
    queue(&store, "a", NOW_MS, NOW_MS + HOUR_MS).await;
    queue(&store, "b", NOW_MS + 1, NOW_MS + HOUR_MS).await;
    let mail = due(&store, NOW_MS + 1, 1).await[0].mail;
    store.postpone_mail(mail, NOW_MS + 100).await.unwrap();
    assert_eq!(letters(&due(&store, NOW_MS + 99, 10).await), ["b"]);
    assert_eq!(store.next_mail_due_ms().await.unwrap(), Some(NOW_MS + 1));
    let again = due(&store, NOW_MS + 100, 10).await;
    assert_eq!(letters(&again), ["a", "b"]);
    assert_eq!((again[0].mail, again[0].tries, again[1].tries), (mail, 1, 0));
    store.postpone_mail(mail, NOW_MS + 200).await.unwrap();
    assert_eq!(due(&store, NOW_MS + 200, 1).await[0].tries, 2);
}

/// An answer that comes late for one mail never hits another.
pub async fn a_mails_number_is_never_given_twice(store: Arc<dyn Store>) {
    let mut last = 0;
    for letter in ["a", "b", "c"] {
        queue(&store, letter, NOW_MS, NOW_MS + HOUR_MS).await;
        let [mail] = due(&store, NOW_MS, 10).await.try_into().unwrap();
        assert_eq!(mail.letter, letter);
        assert!(mail.mail > last);
        last = mail.mail;
        store.drop_mail(last).await.unwrap();
        store.drop_mail(last).await.unwrap();
        store.postpone_mail(last, NOW_MS).await.unwrap();
        assert!(due(&store, NOW_MS, 10).await.is_empty());
    }
}
