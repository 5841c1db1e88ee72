//! What a command says. Data goes to standard output, talk to standard error.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`shown`] | text from outside, as a terminal may see it |
//! | [`json`] | data for programs, one object a line |
//! | [`qr`] | a QR code of letters |
//! | [`ask`] | what a person is asked |
//! | [`time`] | a point in time in words |

use std::{
    future::Future,
    io::{self, ErrorKind, Write},
    time::Duration,
};

pub(super) mod ask;
pub(super) mod json;
pub(super) mod qr;
pub(super) mod shown;
pub(super) mod time;

pub(super) use shown::Shown;

use super::ending::{Ending, Problem};

/// After so long a person is told that something is waited for.
const SILENCE: Duration = Duration::from_secs(2);

/// Prints data, with a line break behind it.
pub(super) fn data(text: impl AsRef<str>) -> Result<(), Problem> {
    let mut out = io::stdout().lock();
    let printed = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
    printed.map_err(|error| match error.kind() {
        // Whoever read has read enough.
        ErrorKind::BrokenPipe => Problem::silent(Ending::Done),
        _ => Problem::failed(format!("The output cannot be written: {error}")),
    })
}

/// Says something to the person at the terminal.
pub(super) fn talk(text: impl AsRef<str>) {
    // Nobody may listen.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Waits, and after a while says for what.
pub(super) async fn patiently<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = tokio::time::sleep(SILENCE) => talk(format!("{what} …")),
    }
    work.await
}
