//! Connections: how many, how slow they may be, and how they end.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};
use tracing::{debug, warn};

use super::{
    peer::Peer,
    unread::{Pace, ReadInTime},
};
use crate::shutdown::Shutdown;

/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// What who asks must at least read of the answer: less than any network carries.
const SLOWEST_READER: Pace = Pace { bytes: 32 * 1024, within: Duration::from_secs(60) };
/// How long to wait when the system gives no connection, because there are no more open files for example.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// What connections must bear.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) header_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_address: usize,
}

/// Serves all connections until the wish to end, and then gives those that are open some time to end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    shutdown: Shutdown,
    grace: Duration,
) {
    let Bounds { header_timeout, max_connections, max_connections_per_address } = bounds;
    let caps = Caps::new(max_connections, max_connections_per_address);
    let mut connections = JoinSet::new();
    let mut wish = std::pin::pin!(shutdown.clone().wished());
    loop {
        tokio::select! {
            () = &mut wish => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => match caps.admit(peer) {
                    Some(place) => {
                        let answerer = Answerer { router: router.clone(), peer: Peer(peer.ip()) };
                        let connection = connection(stream, answerer, header_timeout, shutdown.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(place);
                        });
                    }
                    None => warn!("a connection was turned away: too many are open"),
                },
                Err(problem) => {
                    warn!(%problem, "no connection could be accepted");
                    tokio::time::sleep(AFTER_FAILED_ACCEPT).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    if tokio::time::timeout(grace, async { while connections.join_next().await.is_some() {} }).await.is_err()
    {
        warn!(open = connections.len(), "connections are cut off");
        connections.shutdown().await;
    }
}

/// Who answers the requests of a connection, and whose it is.
struct Answerer {
    router: Router,
    peer: Peer,
}

async fn connection(stream: TcpStream, answerer: Answerer, header_timeout: Duration, shutdown: Shutdown) {
    let Answerer { router, peer } = answerer;
    if let Err(problem) = stream.set_nodelay(true) {
        debug!(%problem, "a connection without TCP_NODELAY");
    }
    let router = TowerToHyperService::new(router);
    let answering = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(ReadInTime::new(stream, SLOWEST_READER)), answering);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.wished() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        debug!(%problem, "a connection ended early");
    }
}

type OpenByAddress = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// How many connections are open, in all and by address.
struct Caps {
    all: Arc<Semaphore>,
    per_address: usize,
    addresses: OpenByAddress,
}

/// The right to be open.
struct Place {
    _of_all: OwnedSemaphorePermit,
    of_address: Option<(IpAddr, OpenByAddress)>,
}

impl Caps {
    fn new(all: usize, per_address: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            per_address,
            addresses: Arc::default(),
        }
    }

    fn admit(&self, peer: SocketAddr) -> Option<Place> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let address = counted_address(peer.ip());
        if address.is_loopback() {
            // Where a proxy stands, everybody comes from.
            return Some(Place { _of_all: of_all, of_address: None });
        }
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let open = addresses.entry(address).or_default();
        if *open >= self.per_address {
            return None;
        }
        *open += 1;
        Some(Place { _of_all: of_all, of_address: Some((address, Arc::clone(&self.addresses))) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((address, addresses)) = &self.of_address else { return };
        let mut addresses = addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = addresses.get_mut(address) {
            *open -= 1;
            if *open == 0 {
                addresses.remove(address);
            }
        }
    }
}

/// A household has one IPv4 address, or 2^64 of IPv6 under one prefix.
fn counted_address(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> SocketAddr {
        SocketAddr::new(address.parse().unwrap(), 1)
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let caps = Caps::new(100, 2);
        let mut open =
            vec![caps.admit(peer("192.0.2.1")).unwrap(), caps.admit(peer("::ffff:192.0.2.1")).unwrap()];
        assert!(caps.admit(peer("192.0.2.1")).is_none());
        assert!(caps.admit(peer("192.0.2.2")).is_some());
        open.pop();
        assert!(caps.admit(peer("192.0.2.1")).is_some());
        drop(open);
        assert!(caps.addresses.lock().unwrap().is_empty());
    }

    #[test]
    fn a_prefix_of_ipv6_is_one_address_and_loopback_is_not_counted() {
        let caps = Caps::new(5, 1);
        let _one = caps.admit(peer("2001:db8:1:2:3::4")).unwrap();
        assert!(caps.admit(peer("2001:db8:1:2:ffff::1")).is_none());
        assert!(caps.admit(peer("2001:db8:1:3::1")).is_some());
        let loopback: Vec<_> = (0..4).map(|_| caps.admit(peer("127.0.0.1")).unwrap()).collect();
        assert!(caps.admit(peer("::1")).is_none(), "the cap in total holds for all");
        drop(loopback);
    }
}
