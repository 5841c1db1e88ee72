//! bcrypt beside the runtime: a few at a time, a short queue, and then a refusal.

use std::{sync::Arc, thread::available_parallelism};

use async_trait::async_trait;
use crypto::kdf::AuthKey;
use relay::port::{Bcrypt, BcryptCost, Busy, PasswordHash, Passwords};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

/// Most that wait for their turn: with a quarter of a second each on one core, the last waits eight seconds.
const MAX_WAITING: usize = 32;

/// Computes bcrypt on threads of its own, on all cores but one, so that messages flow while people sign in.
pub(crate) struct BcryptPool {
    bcrypt: Bcrypt,
    /// A place in the queue or at work.
    places: Arc<Semaphore>,
    /// A place at work.
    cores: Arc<Semaphore>,
}

impl BcryptPool {
    pub(crate) fn new(cost: BcryptCost) -> Self {
        let cores = available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        Self {
            bcrypt: Bcrypt(cost),
            places: Arc::new(Semaphore::new(cores + MAX_WAITING)),
            cores: Arc::new(Semaphore::new(cores)),
        }
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(Bcrypt) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let core = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| Busy)?;
        let bcrypt = self.bcrypt;
        // The permits go along: a caller that goes away does not make room for more than the cores bear.
        spawn_blocking(move || {
            let _held: [OwnedSemaphorePermit; 2] = [place, core];
            work(bcrypt)
        })
        .await
        .map_err(|_| Busy)
    }
}

#[async_trait]
impl Passwords for BcryptPool {
    async fn hash(&self, key: AuthKey) -> Result<PasswordHash, Busy> {
        self.compute(move |bcrypt| bcrypt.hash_here(&key)).await
    }

    async fn verify(&self, key: AuthKey, hash: PasswordHash) -> Result<bool, Busy> {
        self.compute(move |bcrypt| bcrypt.verify_here(&key, &hash)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_queue_does_not_hold_is_refused_at_once_and_the_rest_is_served() {
        let pool = Arc::new(BcryptPool::new(BcryptCost::UNSAFE_FOR_TESTS));
        let key = || AuthKey::from_bytes(&[7; 32]);
        let (places, cores) = (pool.places.available_permits(), pool.cores.available_permits());
        // Nothing is computed until all have asked.
        let held = pool.cores.acquire_many(u32::try_from(cores).unwrap()).await.unwrap();
        let tries: Vec<_> = (0..places + 10)
            .map(|_| {
                let pool = Arc::clone(&pool);
                tokio::spawn(async move { pool.hash(key()).await })
            })
            .collect();
        while tries.iter().filter(|tried| tried.is_finished()).count() < 10 {
            tokio::task::yield_now().await;
        }
        drop(held);
        let mut served = Vec::new();
        let mut refused = 0;
        for tried in tries {
            match tried.await.unwrap() {
                Ok(hash) => served.push(hash),
                Err(Busy) => refused += 1,
            }
        }
        assert_eq!((served.len(), refused), (places, 10));
        assert_eq!(pool.verify(key(), served[0].clone()).await, Ok(true));
        assert_eq!(pool.places.available_permits(), places);
    }
}
