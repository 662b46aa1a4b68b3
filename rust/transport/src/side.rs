//! What a driver serves, seen from the driver.

/// One side of what a logic talks to: players, or the other servers of its cluster with the disk.
pub(crate) trait Side<L> {
    /// What the logic is to be told.
    type Happening: Send;

    /// Waits for the next. May be cancelled without loss.
    fn happened(&mut self) -> impl Future<Output = Self::Happening> + Send;

    /// Tells the logic what has happened.
    fn tell(&mut self, logic: &mut L, happening: Self::Happening);

    /// Tells what else has happened by now, the live lane first, and a bounded share of each so that none starves the others.
    fn catch_up(&mut self, logic: &mut L);

    /// Does what the logic asks for, at most [`OUTPUTS_MAX`](crate::limits::OUTPUTS_MAX), and says how much that was.
    fn perform_outputs(&mut self, logic: &mut L) -> usize;

    /// Lets nobody new in, and has every connection end once it has delivered what was queued for it.
    fn begin_end(&mut self, logic: &mut L);

    /// Waits for that within the time for it, tells the logic of each, and ends.
    fn end(&mut self, logic: &mut L) -> impl Future<Output = ()> + Send;
}

/// No other servers, and no disk.
#[derive(Debug)]
pub(crate) struct Alone;

impl<L: Send> Side<L> for Alone {
    type Happening = std::convert::Infallible;

    async fn happened(&mut self) -> Self::Happening {
        std::future::pending().await
    }

    fn tell(&mut self, _: &mut L, happening: Self::Happening) {
        match happening {}
    }

    fn catch_up(&mut self, _: &mut L) {}

    fn perform_outputs(&mut self, _: &mut L) -> usize {
        0
    }

    fn begin_end(&mut self, _: &mut L) {}

    async fn end(&mut self, _: &mut L) {}
}
