//! The second factor: on or off, and the codes that stand in for it.

use crypto::one_time::RecoveryCode;
use leptos::prelude::*;

use super::{
    super::{Owner, focus_later},
    Form, OpenForm,
    authenticator::SetUp,
};
use crate::{
    browser,
    component::{
        confirm_form::{ConfirmForm, Typed},
        icon::{Icon, Sign},
        recovery_codes::RecoveryCodesView,
        settings_part::{Done, SettingsPart},
    },
};

const TITLE: &str = "second-factor-title";
/// With so few codes left it is time for new ones.
const FEW_CODES: u32 = 3;

/// New recovery codes, until their owner has kept them.
type Codes = RwSignal<Option<Vec<RecoveryCode>>>;

/// What holds, and the ways to change it.
#[component]
pub fn SecondFactorPart(
    /// Whose settings they are.
    owner: Owner,
    /// The form that is open.
    form: OpenForm,
) -> impl IntoView {
    let since = owner.profile.select(|profile| profile.second_factor_since_ms);
    let is_on = Memo::new(move |_| since.get().flatten().is_some());
    let codes: Codes = RwSignal::new(None);
    let done = RwSignal::new(None::<String>);
    let open = Callback::new(move |which: Form| {
        done.set(None);
        form.set(Some(which));
        focus_later("password");
    });
    let close = Callback::new(move |()| {
        form.set(None);
        focus_later(TITLE);
    });
    let on_codes = Callback::new(move |new: Vec<RecoveryCode>| {
        // The page may have been left meanwhile.
        let _ = codes.try_set(Some(new));
        form.set(None);
        owner.profile.load();
        focus_later("recovery-codes-title");
    });
    let on_kept = move |()| {
        codes.set(None);
        done.set(Some(
            "Two-factor authentication is on. Your next sign-in asks for a code besides your password."
                .to_owned(),
        ));
        focus_later(TITLE);
    };
    view! {
        <SettingsPart id=TITLE title="Two-factor authentication">
            {move || match (codes.get(), form.get()) {
                (Some(codes), _) => {
                    view! { <RecoveryCodesView username=owner.username() codes on_kept /> }.into_any()
                }
                (None, Some(Form::SetUp)) => view! { <SetUp owner on_codes on_cancel=close /> }.into_any(),
                (None, which) if is_on.get() => {
                    view! {
                        <IsOn owner />
                        {match which {
                            Some(Form::RenewCodes) => view! { <RenewForm owner on_codes close /> }.into_any(),
                            Some(Form::TurnOff) => view! { <TurnOffForm owner done close /> }.into_any(),
                            _ => view! { <OnButtons open /> }.into_any(),
                        }}
                    }
                        .into_any()
                }
                (None, _) => view! { <IsOff open /> }.into_any(),
            }}
            <Done text=done />
        </SettingsPart>
    }
}

#[component]
fn IsOff(open: Callback<Form>) -> impl IntoView {
    view! {
        <p class="hint">
            "Besides your password, a sign-in then asks for a code that an app on your phone shows. \
             Whoever learns your password does not get in with it alone."
        </p>
        <div class="row">
            <button type="button" class="button" on:click=move |_| open.run(Form::SetUp)>
                "Set up two-factor authentication"
            </button>
        </div>
    }
}

#[component]
fn IsOn(owner: Owner) -> impl IntoView {
    let since = owner.profile.select(|profile| profile.second_factor_since_ms);
    let left = owner.profile.select(|profile| profile.recovery_codes_left);
    let since = move || {
        since.get().flatten().map(browser::moment).map(|moment| {
            view! { <time datetime=moment.iso>{moment.long_day}</time> }
        })
    };
    let few = move || left.get().is_some_and(|left| left <= FEW_CODES);
    view! {
        <p class="row settings-on">
            <Icon sign=Sign::Done />
            <span>"On since " {since}</span>
        </p>
        <p class:notice=few class:hint=move || !few()>
            {move || left.get().map(words_for_left)}
            {move || few().then_some(" Make new ones before you need them.")}
        </p>
    }
}

fn words_for_left(left: u32) -> String {
    match left {
        0 => "No recovery code is left.".to_owned(),
        1 => "1 recovery code is left.".to_owned(),
        many => format!("{many} recovery codes are left."),
    }
}

#[component]
fn OnButtons(open: Callback<Form>) -> impl IntoView {
    view! {
        <div class="row">
            <button type="button" class="button" on:click=move |_| open.run(Form::RenewCodes)>"New recovery codes"</button>
            <button type="button" class="button button-danger" on:click=move |_| open.run(Form::TurnOff)>"Turn off"</button>
        </div>
    }
}

#[component]
fn RenewForm(owner: Owner, on_codes: Callback<Vec<RecoveryCode>>, close: Callback<()>) -> impl IntoView {
    let attempt = owner.attempt();
    let on_confirm = move |typed: Typed| {
        let account = owner.account();
        attempt.make(
            typed,
            move |confirmation| async move { account.renew_recovery_codes(&confirmation).await },
            move |new| on_codes.run(new.codes),
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="New recovery codes"
            action="Make new codes"
            doing="Making codes…"
            on_confirm
            on_cancel=close
        >
            <p>"Ten new codes take the place of those that you have. The old ones work no more."</p>
        </ConfirmForm>
    }
}

#[component]
fn TurnOffForm(owner: Owner, done: RwSignal<Option<String>>, close: Callback<()>) -> impl IntoView {
    let attempt = owner.attempt();
    let on_confirm = move |typed: Typed| {
        let account = owner.account();
        attempt.make(
            typed,
            move |confirmation| async move { account.disable_totp(&confirmation).await },
            move |()| {
                owner.profile.load();
                close.run(());
                let _ = done.try_set(Some(
                    "Two-factor authentication is off. All other sessions have ended.".to_owned(),
                ));
            },
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="Turn two-factor authentication off"
            action="Turn off"
            doing="Turning off…"
            danger=true
            on_confirm
            on_cancel=close
        >
            <p>"From then on your password alone lets in whoever knows it. All other sessions end."</p>
        </ConfirmForm>
    }
}
