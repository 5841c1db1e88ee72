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
mod archive;
mod cast;
mod counters;
mod deletion;
mod devices;
mod emails;
mod erasure;
mod invites;
mod mailbox;
mod mails;
mod pages;
mod prekeys;
mod proven;
mod resets;
mod second_factors;
mod sessions;
mod settings;
mod vault;

pub use accounts::*;
pub use archive::*;
pub use cast::{Person, envelope};
pub use counters::*;
pub use deletion::*;
pub use devices::*;
pub use emails::*;
pub use erasure::*;
pub use invites::*;
pub use mailbox::*;
pub use mails::*;
pub use pages::*;
pub use prekeys::*;
pub use proven::*;
pub use resets::*;
pub use second_factors::*;
pub use sessions::*;
pub use settings::*;
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
            history_goes_backwards_from_its_end
            what_a_page_holds_is_counted_as_it_stands
            an_archived_key_takes_the_place_of_the_seal
            the_first_key_that_is_archived_stays
            a_key_is_archived_where_its_message_waits_only
            the_key_of_the_sender_is_archived_at_once
            the_first_place_that_waits_moves_on
            who_erases_a_message_erases_it_in_one_mailbox
            what_everyone_has_erased_was_still_sent
            only_its_sender_erases_a_message_for_everyone
            an_envelope_whose_time_is_over_goes_from_all_mailboxes
            a_deleted_account_has_no_envelope_that_expires
            prekeys_are_counted_where_they_were_published
            a_signed_prekey_gives_way_to_a_newer_one_only
            prekeys_that_are_published_again_are_left_out
            a_full_pool_takes_no_more_prekeys
            prekeys_that_are_replaced_are_taken_back
            a_prekey_is_handed_out_once
            the_lowest_prekey_of_each_pool_is_handed_out
            an_old_prekey_is_not_handed_out
            a_prekey_that_nobody_gets_any_more_is_not_left
            an_envelope_uses_its_prekeys_up
            who_has_not_claimed_a_prekey_cannot_use_it
            a_prekey_is_outstanding_until_nobody_can_write_to_it
            nobody_holds_more_prekeys_than_they_may
            a_device_claims_none_of_its_own
            of_fifty_envelopes_to_one_prekey_one_is_stored
            an_envelope_to_a_prekey_that_was_replaced_is_refused
            replaced_keys_empty_the_pools
            a_device_log_grows_by_one_entry_at_a_time
            an_entry_is_repeated_but_not_replaced
            a_repeated_entry_binds_the_session_that_asks
            a_log_grows_under_the_key_that_stands
            a_device_that_is_added_gets_the_session_that_asks
            a_device_that_is_revoked_loses_its_session_and_its_prekeys
            of_fifty_who_append_at_one_position_one_does
            a_device_log_outlives_its_account
            a_session_ends_at_once
            a_new_session_forgets_those_that_are_over
            a_session_is_noted_when_it_was_seen
            sessions_are_listed_by_when_they_were_seen
            a_session_is_ended_by_its_own_account_only
            sessions_end_together_and_are_told
            a_session_begins_by_the_password_that_stands
            nothing_is_changed_by_a_password_that_was_changed_meanwhile
            nothing_is_changed_by_a_session_that_was_ended_meanwhile
            of_fifty_who_change_one_password_one_does
            a_profile_shows_what_was_set
            a_new_password_ends_the_other_sessions_and_the_reset
            only_the_secret_that_is_being_set_up_is_switched_on
            a_second_factor_that_is_on_is_not_set_up_again
            a_step_is_used_once_and_never_an_older_one
            a_recovery_code_is_used_once
            new_recovery_codes_replace_the_old_ones
            switching_the_second_factor_off_forgets_it_and_ends_the_others
            a_reset_finds_what_its_account_has
            a_newer_token_makes_the_older_one_worthless
            of_fifty_who_redeem_one_token_one_does
            a_reset_that_keeps_the_keys_changes_the_password_only
            a_reset_that_replaces_the_keys_puts_the_vault_away
            vaults_that_were_put_away_are_numbered
            an_address_changes_when_it_is_confirmed
            only_the_newest_token_confirms_and_not_for_long
            an_address_is_removed_with_every_wish
            a_confirmed_address_makes_a_reset_token_worthless
            a_new_password_makes_a_wish_worthless
            accounts_are_found_by_their_folded_address
            at_most_fifty_accounts_are_found_by_one_address
            the_mail_that_is_over_soonest_is_due_first
            a_mail_that_is_over_is_dropped
            a_postponed_mail_waits_and_counts_its_tries
            a_mails_number_is_never_given_twice
            an_invitation_makes_as_many_accounts_as_it_says
            an_invitation_is_refused_when_it_is_over
            a_refused_registration_leaves_the_invitation
            invitations_are_listed_by_their_numbers
            counters_are_there_after_a_restart
            a_deleted_account_leaves_nothing
            what_others_hold_of_a_deleted_account_stays_theirs
            the_name_of_a_deleted_account_is_never_given_again
            a_row_is_written_by_one_of_many
            a_row_is_written_only_after_the_one_before_it
            a_lost_row_comes_back_after_the_one_that_stands
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
