//! What was mended by itself, for whoever looks for the cause of something.

use client::Mended;
use leptos::{prelude::*, task::spawn_local};

use super::super::Owner;
use crate::{browser, component::settings_part::SettingsPart, state::rows::day_and_time};

/// A line for each repair, and all of them as a file for a bug report.
#[component]
pub fn RepairsPart(
    /// Whose settings they are.
    owner: Owner,
) -> impl IntoView {
    let repairs = RwSignal::new(Vec::<Mended>::new());
    Effect::new(move || {
        let account = owner.account();
        spawn_local(async move {
            // Where the device cannot be read, there is nothing to tell either.
            if let Ok(found) = account.repairs().await {
                let _ = repairs.try_set(found);
            }
        });
    });
    let download = move |_| {
        let report = repairs.with_untracked(|repairs| report(repairs));
        let _ = browser::download("secure-messaging-diagnostics.json", "application/json", report.as_bytes());
    };
    view! {
        <SettingsPart id="repairs-title" title="Diagnostics">
            <Show
                when=move || repairs.with(|repairs| !repairs.is_empty())
                fallback=|| view! { <p class="hint">"Nothing had to be mended on this device."</p> }
            >
                <p class="hint">"What this device found at odds and mended by itself. Nothing was lost."</p>
                <ul class="repairs">
                    {move || {
                        let today = browser::moment(browser::now_ms()).day;
                        let line = |mended: &Mended| {
                            let at = browser::moment(mended.at_ms);
                            view! {
                                <li>
                                    <time datetime=at.iso.clone()>{day_and_time(&at, today)}</time>
                                    " " {mended.what.text()}
                                </li>
                            }
                        };
                        repairs.with(|repairs| repairs.iter().rev().map(line).collect_view())
                    }}
                </ul>
                <div class="row">
                    <button type="button" class="button" on:click=download>"Save for a bug report"</button>
                </div>
                <p class="hint">"The file has what is listed here and the version, no message and no key."</p>
            </Show>
        </SettingsPart>
    }
}

fn report(repairs: &[Mended]) -> String {
    let report = serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "repairs": repairs });
    serde_json::to_string_pretty(&report).expect("plain values")
}
