//! What a driver serves beside players.

/// The other half of a driver: nothing for a logic that is alone, peers and a disk for one of a cluster.
pub(crate) trait Side<L> {
    /// What its logic is to be told.
    type Happening;

    /// Waits for the next. May be cancelled without loss.
    fn happened(&mut self) -> impl Future<Output = Self::Happening> + Send;

    fn tell(&mut self, logic: &mut L, happening: Self::Happening);

    /// Tells all that has happened by now, as far as the bounds of one turn allow.
    fn catch_up(&mut self, logic: &mut L);

    /// Does all that the logic asks for, and says whether that was anything.
    fn perform_outputs(&mut self, logic: &mut L) -> bool;

    /// Delivers what can be delivered within the time for it, and ends.
    fn wind_down(&mut self, logic: &mut L) -> impl Future<Output = ()> + Send;
}

/// A server without peers, or a client.
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

    fn perform_outputs(&mut self, _: &mut L) -> bool {
        false
    }

    async fn wind_down(&mut self, _: &mut L) {}
}
