//! `/settings`: who one is, where mails go, and the end of it.

pub mod delete;
pub mod email;

use leptos::prelude::*;

use super::{Owner, SettingsPage};
use crate::{
    browser,
    component::{avatar::Avatar, settings_part::SettingsPart},
};
use delete::DeletePart;
use email::EmailPart;

/// The page.
#[component]
pub fn AccountSettings() -> impl IntoView {
    let content = |owner: Owner| {
        view! {
            <WhoPart owner />
            <EmailPart owner />
            <DeletePart owner />
        }
        .into_any()
    };
    view! { <SettingsPage title="Account" content /> }
}

#[component]
fn WhoPart(owner: Owner) -> impl IntoView {
    let me = owner.account().me().clone();
    let name = me.username.to_string();
    let created = owner.profile.select(|profile| profile.created_at_ms);
    let since = move || {
        created.get().map(browser::moment).map(|moment| {
            view! { <time datetime=moment.iso>{moment.long_day}</time> }
        })
    };
    view! {
        <SettingsPart id="who-title" title="You">
            <div class="settings-who">
                <Avatar people=vec![me] />
                <div>
                    <p class="settings-name">{name}</p>
                    <p class="hint">"Member since " {since}</p>
                </div>
            </div>
            <p class="hint">"Everyone on this server finds you by this name. It cannot be changed."</p>
        </SettingsPart>
    }
}
