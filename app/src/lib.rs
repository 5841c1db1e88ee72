//! The interface of Secure Messaging: pages, components, state, server functions.
