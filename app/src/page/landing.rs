//! `/`: what this is, and the two ways in.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    component::{
        icon::{Icon, Sign},
        public_frame::PublicFrame,
    },
    state::session::use_session,
};

/// The first page.
#[component]
pub fn Landing() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    // Who is signed in has no need of an introduction.
    Effect::new(move || {
        if session.is_open() {
            navigate("/inbox", NavigateOptions { replace: true, ..NavigateOptions::default() });
        }
    });
    view! {
        <Title text="" />
        <PublicFrame>
            <div class="landing">
                <section class="landing-hero">
                    <h1>"Write freely."<br />"Only your readers can read it."</h1>
                    <p class="landing-lead">
                        "A messenger on your own server. Every message is sealed in your browser, \
                         for exactly the people you chose. The server passes on what it cannot open."
                    </p>
                    <p class="landing-ways">
                        <a class="button button-primary" href="/register">"Create an account"</a>
                        <a class="button" href="/login">"Sign in"</a>
                    </p>
                </section>
                <section class="landing-points" aria-labelledby="landing-points">
                    <h2 id="landing-points" class="visually-hidden">"What you get"</h2>
                    <Point sign=Sign::Seal title="Sealed before it leaves">
                        "Keys are made on your device. Neither passwords nor messages ever reach the server in readable form."
                    </Point>
                    <Point sign=Sign::Devices title="Everywhere you sign in">
                        "Your whole history opens in any browser, with your password."
                    </Point>
                    <Point sign=Sign::People title="One person or a circle">
                        "Everyone in a conversation sees who else reads it, and you are warned when somebody’s key changes."
                    </Point>
                </section>
            </div>
        </PublicFrame>
    }
}

#[component]
fn Point(sign: Sign, title: &'static str, children: Children) -> impl IntoView {
    view! {
        <article class="landing-point">
            <Icon sign />
            <h3>{title}</h3>
            <p>{children()}</p>
        </article>
    }
}
