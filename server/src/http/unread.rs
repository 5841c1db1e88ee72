//! Answers that nobody reads: a connection that takes too little of what is written to it is cut off, so that nobody
//! can make the server hold answers in memory by asking and not listening.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// What a connection must at least take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// So many bytes, or all there is,
    pub(super) bytes: usize,
    /// in so long.
    pub(super) within: Duration,
}

/// A stream whose writes fail once the other side reads slower than the pace.
pub(super) struct ReadInTime<S> {
    stream: S,
    pace: Pace,
    /// Runs since the other side was first waited for.
    waiting: Option<Waiting>,
}

struct Waiting {
    deadline: Pin<Box<Sleep>>,
    written: usize,
}

impl<S> ReadInTime<S> {
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace, waiting: None }
    }

    /// Passes on what a write came to, unless it is too little for too long.
    fn judge(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &wrote
            && let Some(waiting) = &mut self.waiting
        {
            waiting.written += bytes;
            if waiting.written >= self.pace.bytes {
                self.waiting = None;
            }
        }
        if wrote.is_pending() {
            let within = self.pace.within;
            let waiting =
                self.waiting.get_or_insert_with(|| Waiting { deadline: Box::pin(sleep(within)), written: 0 });
            ready!(waiting.deadline.as_mut().poll(context));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is not read")));
        }
        wrote
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadInTime<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadInTime<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(context, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.judge(context, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Asked for when all is written: whoever was slow has taken it.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waiting = None;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PACE: Pace = Pace { bytes: 100, within: Duration::from_millis(200) };

    #[tokio::test]
    async fn who_does_not_read_is_cut_off() {
        let (ours, _theirs) = duplex(10);
        let wrote = ReadInTime::new(ours, PACE).write_all(&[0; 1_000]).await;
        assert_eq!(wrote.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_reads_a_byte_now_and_then_is_cut_off() {
        let (ours, mut theirs) = duplex(10);
        let reads = tokio::spawn(async move {
            while theirs.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let wrote = ReadInTime::new(ours, PACE).write_all(&[0; 1_000]).await;
        assert_eq!(wrote.unwrap_err().kind(), io::ErrorKind::TimedOut);
        reads.await.unwrap();
    }

    #[tokio::test]
    async fn who_reads_at_the_pace_gets_all() {
        let (ours, mut theirs) = duplex(100);
        let reads = tokio::spawn(async move {
            let mut all = 0;
            let mut part = [0; 100];
            while let Ok(1..) = theirs.read(&mut part).await.inspect(|count| all += count) {
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
            all
        });
        let mut ours = ReadInTime::new(ours, PACE);
        ours.write_all(&[0; 1_000]).await.unwrap();
        ours.shutdown().await.unwrap();
        assert_eq!(reads.await.unwrap(), 1_000);
    }

    #[tokio::test]
    async fn who_has_taken_all_may_be_silent_for_long() {
        let (ours, mut theirs) = duplex(100);
        let mut ours = ReadInTime::new(ours, PACE);
        for _ in 0..3 {
            let mut taken = [0; 150];
            let (wrote, read) = tokio::join!(
                async {
                    ours.write_all(&[0; 150]).await?;
                    ours.flush().await
                },
                theirs.read_exact(&mut taken)
            );
            wrote.unwrap();
            read.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}
