//! After how long without use the page locks.

use leptos::prelude::*;

use crate::state::auto_lock::AutoLock;

/// A list to choose from.
#[component]
pub fn AutoLockField(
    /// What holds.
    #[prop(into)]
    value: Signal<AutoLock>,
    /// Called with another choice.
    #[prop(into)]
    on_choose: Callback<AutoLock>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for="auto-lock">"Lock without use"</label>
            <select
                id="auto-lock"
                class="input auto-lock-field"
                prop:value=move || value.get().minutes().to_string()
                on:change:target=move |event| {
                    let minutes = event.target().value().parse().ok();
                    if let Some(choice) = minutes.and_then(AutoLock::of_minutes) {
                        on_choose.run(choice);
                    }
                }
            >
                {AutoLock::ALL
                    .map(|choice| {
                        let is_chosen = move || value.get() == choice;
                        view! {
                            <option value=choice.minutes().to_string() prop:selected=is_chosen>
                                {choice.label()}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}
