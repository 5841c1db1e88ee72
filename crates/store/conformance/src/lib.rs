//! The stories that every Store of the relay must pass.
//!
//! A store's crate names its way to make a fresh store, and gets a test for each story:
//!
//! ```ignore
//! store_conformance::stories!(async { (Arc::new(MyStore::new()), ()) });
//! ```
//!
//! The second value is kept until the story is over: a temporary folder, for instance. Stories that need more than one
//! thread to go wrong run on four.

#![expect(clippy::unwrap_used, reason = "the whole crate is tests: what fails here fails a story")]

mod accounts;
mod cast;
mod mailbox;
mod pages;
mod sessions;
mod vault;

pub use accounts::*;
pub use cast::{Person, envelope};
pub use mailbox::*;
pub use pages::*;
pub use sessions::*;
pub use vault::*;

#[doc(hidden)]
pub use tokio;

/// A test for each story, on the store that the expression makes.
#[macro_export]
macro_rules! stories {
    ($fresh:expr) => {
        $crate::stories! { @each $fresh;
            a_registration_is_all_or_nothing
            what_was_registered_reads_back
            of_fifty_who_want_one_name_one_gets_it
            users_are_listed_in_the_order_of_their_names
            keys_are_found_for_those_who_exist
            a_mailbox_has_no_gap_however_many_write_to_it
            an_envelope_is_stored_once_for_ever
            of_many_copies_at_once_one_is_stored
            another_envelope_under_a_taken_id_changes_nothing
            an_unknown_recipient_leaves_nothing_behind
            a_sender_who_goes_away_leaves_all_or_nothing
            the_largest_envelope_reaches_everyone
            the_context_of_sending_is_of_one_moment
            a_page_ends_where_its_limits_say
            a_cursor_past_the_end_finds_nothing
            a_session_ends_at_once
            a_new_session_forgets_those_that_are_over
            a_session_is_noted_when_it_was_seen
            a_row_is_written_by_one_of_many
            a_row_is_written_only_after_the_one_before_it
            a_full_vault_takes_changes_and_no_more_rows
            a_vault_has_room_for_so_many_bytes
            rows_come_in_the_order_of_kind_and_key_id
            two_accounts_see_nothing_of_each_other
        }
    };
    (@each $fresh:expr; $($story:ident)*) => {
        $(
            #[$crate::tokio::test(flavor = "multi_thread", worker_threads = 4, crate = "store_conformance::tokio")]
            async fn $story() {
                let (store, kept_until_the_end) = $fresh.await;
                $crate::$story(store).await;
                drop(kept_until_the_end);
            }
        )*
    };
}
