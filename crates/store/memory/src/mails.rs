use async_trait::async_trait;
use relay::port::{DueMail, Mails, NewMail, StoreError};

use crate::{Mail, MemoryStore};

#[async_trait]
impl Mails for MemoryStore {
    async fn queue_mail(&self, mail: NewMail) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.last_mail += 1;
        let number = state.last_mail;
        state.mails.insert(number, Mail { tries: 0, next_try_at_ms: mail.queued_at_ms, mail });
        Ok(())
    }

    async fn due_mails(&self, now_ms: u64, limit: u32) -> Result<Vec<DueMail>, StoreError> {
        let mut state = self.lock();
        state.mails.retain(|_, waiting| waiting.mail.expires_at_ms > now_ms);
        let mut due: Vec<_> =
            state.mails.iter().filter(|(_, waiting)| waiting.next_try_at_ms <= now_ms).collect();
        due.sort_unstable_by_key(|(number, waiting)| (waiting.mail.expires_at_ms, **number));
        due.truncate(limit as usize);
        let due = due.into_iter().map(|(number, waiting)| DueMail {
            mail: *number,
            letter: waiting.mail.letter.clone(),
            tries: waiting.tries,
            expires_at_ms: waiting.mail.expires_at_ms,
        });
        Ok(due.collect())
    }

    async fn next_mail_due_ms(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.lock().mails.values().map(|waiting| waiting.next_try_at_ms).min())
    }

    async fn drop_mail(&self, mail: u64) -> Result<(), StoreError> {
        self.lock().mails.remove(&mail);
        Ok(())
    }

    async fn postpone_mail(&self, mail: u64, next_try_at_ms: u64) -> Result<(), StoreError> {
        if let Some(waiting) = self.lock().mails.get_mut(&mail) {
            waiting.tries += 1;
            waiting.next_try_at_ms = next_try_at_ms;
        }
        Ok(())
    }
}
