//! The rules of a password, ticked off while it is typed, and the meter.

use leptos::prelude::*;
use protocol::{
    Username,
    password::{Rule, Strength, strength},
};

use super::icon::{Icon, Sign};

/// The list and the meter.
#[component]
pub fn PasswordRules(
    /// What the list is called by the field that it describes.
    id: &'static str,
    /// What was typed so far.
    #[prop(into)]
    password: Signal<String>,
    /// The name that the password must not be made of.
    #[prop(into)]
    username: Signal<String>,
) -> impl IntoView {
    let name = move || username.get().parse::<Username>().ok();
    let meter = Memo::new(move |_| {
        password.with(|password| (!password.is_empty()).then(|| strength(password, name().as_ref())))
    });
    view! {
        <div class="password-rules" id=id>
            <ul aria-label="Password rules">
                {Rule::ALL
                    .map(|rule| {
                        let kept = Memo::new(move |_| {
                            password.with(|password| rule.is_kept_by(password, name().as_ref()))
                        });
                        view! {
                            <li class="password-rule" class:password-rule-kept=move || kept.get()>
                                <Icon sign=Sign::Done />
                                <span>{rule.label()}</span>
                                <span class="visually-hidden">
                                    {move || if kept.get() { ": done" } else { ": missing" }}
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
            <p class="password-strength">
                <span class=move || format!("password-meter password-meter-{}", steps(meter.get())) aria-hidden="true">
                    <span></span>
                    <span></span>
                    <span></span>
                    <span></span>
                </span>
                <span role="status">{move || meter.get().map(|strength| format!("Strength: {}", word(strength)))}</span>
            </p>
        </div>
    }
}

fn steps(strength: Option<Strength>) -> u8 {
    match strength {
        None => 0,
        Some(Strength::Weak) => 1,
        Some(Strength::Fair) => 2,
        Some(Strength::Good) => 3,
        Some(Strength::Strong) => 4,
    }
}

fn word(strength: Strength) -> &'static str {
    match strength {
        Strength::Weak => "weak",
        Strength::Fair => "fair",
        Strength::Good => "good",
        Strength::Strong => "strong",
    }
}
