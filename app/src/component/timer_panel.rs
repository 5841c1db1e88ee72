//! After how long messages of a conversation disappear.

use client::duration_words;
use leptos::{ev, html, prelude::*};
use protocol::limits::{MAX_TIMER_S, MIN_TIMER_S};

use super::{form_error::FormError, side_panel::SidePanel};

/// What one chooses from, in seconds; 0: messages stay.
const CHOICES: [u32; 5] = [0, 5 * 60, 60 * 60, 24 * 60 * 60, 7 * 24 * 60 * 60];
/// The units of an own value, in seconds.
const UNITS: [(u32, &str); 5] =
    [(1, "seconds"), (60, "minutes"), (3_600, "hours"), (86_400, "days"), (604_800, "weeks")];

/// The panel beside a thread.
#[component]
pub fn TimerPanel(
    /// What holds.
    #[prop(into)]
    timer_s: Signal<Option<u32>>,
    /// Called with another choice.
    on_choose: Callback<Option<u32>>,
    /// What went wrong.
    error: RwSignal<Option<String>>,
    /// Closes the panel.
    on_close: Callback<()>,
) -> impl IntoView {
    let amount = NodeRef::<html::Input>::new();
    let unit = NodeRef::<html::Select>::new();
    let own = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(amount), Some(unit)) = (amount.get_untracked(), unit.get_untracked()) else { return };
        match seconds(&amount.value(), &unit.value()) {
            Some(seconds) => on_choose.run(Some(seconds)),
            None => error.set(Some(format!(
                "Enter a whole number: {} at the least, {} at the most",
                duration_words(MIN_TIMER_S),
                duration_words(MAX_TIMER_S)
            ))),
        }
    };
    view! {
        <SidePanel id="timer-title" title="Disappearing messages" on_close>
            <p class="hint">
                "From now on, new messages disappear so long after they were sent, from everyone's devices and from the \
                 server. They are on the devices only that were signed in when they were sent: a new device does not get them."
            </p>
            <fieldset class="timer-choices">
                <legend class="visually-hidden">"After how long"</legend>
                {CHOICES
                    .map(|choice| {
                        let is_chosen = move || timer_s.get().unwrap_or(0) == choice;
                        view! {
                            <label class="timer-choice">
                                <input
                                    type="radio"
                                    name="timer"
                                    prop:checked=is_chosen
                                    on:change=move |_| on_choose.run((choice > 0).then_some(choice))
                                />
                                <span>{label(choice)}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
            <form class="timer-own" novalidate on:submit=own>
                <label for="timer-amount">"Another time"</label>
                <div class="row">
                    <input id="timer-amount" class="input timer-amount" inputmode="numeric" autocomplete="off" node_ref=amount />
                    <select class="input timer-unit" aria-label="Unit" node_ref=unit>
                        {UNITS
                            .map(|(seconds, name)| {
                                view! { <option value=seconds.to_string() selected={seconds == 60}>{name}</option> }
                            })
                            .collect_view()}
                    </select>
                    <button type="submit" class="button">"Set"</button>
                </div>
            </form>
            <FormError text=error />
        </SidePanel>
    }
}

fn label(choice: u32) -> String {
    if choice == 0 { "Off: messages stay".to_owned() } else { duration_words(choice) }
}

/// An own value, within the limits.
fn seconds(amount: &str, unit: &str) -> Option<u32> {
    let amount: u32 = amount.trim().parse().ok()?;
    let seconds = amount.checked_mul(unit.parse().ok()?)?;
    (MIN_TIMER_S..=MAX_TIMER_S).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_value_is_a_whole_number_within_the_limits() {
        assert_eq!(seconds(" 90 ", "60"), Some(5_400));
        assert_eq!(seconds("5", "1"), Some(5));
        for (amount, unit) in [
            ("0", "60"),
            ("-1", "60"),
            ("4", "1"),
            ("1.5", "3600"),
            ("", "1"),
            ("1000", "31536000"),
            ("53", "604800"),
        ] {
            assert_eq!(seconds(amount, unit), None, "{amount} {unit}");
        }
    }
}
