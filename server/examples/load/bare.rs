//! The least that a server of the same libraries can do with a message: keep its bytes in SQLite with the store's
//! settings, in one transaction with all that wait, and tell the stream that there is one more.

use std::{convert::Infallible, path::Path};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::sse::{Event, Sse},
    routing::{get, post},
    serve::ListenerExt,
};
use futures::{Stream, stream};
use protocol::{Call, call::EVENTS_PATH, mailbox::Send};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use crate::raw::Grouped;

#[derive(Clone)]
struct Bare {
    rows: Grouped,
    count: watch::Sender<u64>,
}

/// Serves the same addresses until it is killed, and says where in the words of the real one.
pub(crate) async fn serve(folder: &Path) {
    let rows = Grouped::open(&folder.join("rows.db")).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("{}", json!({ "address": listener.local_addr().unwrap() }));
    let router = Router::new()
        .route(Send::PATH, post(send))
        .route(EVENTS_PATH, get(events))
        .with_state(Bare { rows, count: watch::Sender::new(0) });
    let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn send(State(bare): State<Bare>, body: Bytes) -> Json<Value> {
    bare.rows.insert(body.into()).await;
    bare.count.send_modify(|count| *count += 1);
    Json(json!({}))
}

async fn events(State(bare): State<Bare>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(stream::unfold(bare.count.subscribe(), async |mut count| {
        count.changed().await.ok()?;
        let data = count.borrow_and_update().to_string();
        Some((Ok(Event::default().data(data)), count))
    }))
}
