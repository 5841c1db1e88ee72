//! The platform: what the pages need of the browser. On the server stands a twin that does nothing.

#[cfg(feature = "hydrate")]
mod live;
#[cfg(feature = "hydrate")]
pub use live::mark_hydrated;

#[cfg(not(feature = "hydrate"))]
mod inert;
#[cfg(not(feature = "hydrate"))]
pub use inert::mark_hydrated;
