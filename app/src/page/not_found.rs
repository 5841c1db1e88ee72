//! An address that nothing stands behind.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::component::public_frame::PublicFrame;

/// Says so, and leads back.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <Title text="Page not found" />
        <PublicFrame>
            <div class="card card-narrow">
                <h1>"This page does not exist"</h1>
                <p>"The address may be mistyped, or the page has moved. Your messages are where they were."</p>
                <p><a class="button button-primary" href="/">"Back to the start"</a></p>
            </div>
        </PublicFrame>
    }
}
