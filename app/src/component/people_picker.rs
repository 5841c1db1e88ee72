//! Chooses people from those who are registered.

use client::Contact;
use leptos::{ev, prelude::*};

use super::{
    avatar::Avatar,
    icon::{Icon, Sign},
};

/// What the search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order of their names.
    pub people: Vec<Contact>,
    /// Whether there are more.
    pub more: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// Whether it is still being searched.
    pub searching: bool,
}

/// A search field, the chosen ones, and a list with boxes to tick.
#[component]
pub fn PeoplePicker(
    /// What is searched for.
    query: RwSignal<String>,
    /// What was found.
    #[prop(into)]
    found: Signal<Found>,
    /// Who is chosen.
    chosen: RwSignal<Vec<Contact>>,
    /// Asks for more.
    on_more: Callback<()>,
) -> impl IntoView {
    let toggle = move |person: &Contact| {
        chosen.update(|chosen| match chosen.iter().position(|one| one == person) {
            Some(place) => drop(chosen.remove(place)),
            None => chosen.push(person.clone()),
        });
    };
    let choose_first = move |event: ev::KeyboardEvent| {
        if event.key() != "Enter" || event.is_composing() {
            return;
        }
        event.prevent_default();
        let first = found.with_untracked(|found| {
            let free = |person: &&Contact| !chosen.with_untracked(|chosen| chosen.contains(person));
            found.people.iter().find(free).cloned()
        });
        if let Some(first) = first
            && !query.with_untracked(String::is_empty)
        {
            toggle(&first);
            query.set(String::new());
        }
    };
    let people = Memo::new(move |_| found.with(|found| found.people.clone()));
    let summary = move || {
        let found = found.get();
        match (found.error, found.searching, found.people.len()) {
            (Some(error), _, _) => error,
            (None, true, 0) => "Looking…".to_owned(),
            (None, _, 0) if query.with(String::is_empty) => "Nobody else is registered here yet.".to_owned(),
            (None, _, 0) => "Nobody here has a name that begins like this.".to_owned(),
            (None, _, 1) => "1 person".to_owned(),
            (None, _, many) if found.more => format!("The first {many} people"),
            (None, _, many) => format!("{many} people"),
        }
    };
    view! {
        <div class="people-picker">
            <div class="field">
                <label for="people-search">"Find people"</label>
                <div class="people-search">
                    <Icon sign=Sign::Search />
                    <input
                        id="people-search"
                        class="input"
                        type="search"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        placeholder="Beginning of a username"
                        prop:value=move || query.get()
                        on:input:target=move |event| query.set(event.target().value())
                        on:keydown=choose_first
                    />
                </div>
            </div>
            <Show when=move || chosen.with(|chosen| !chosen.is_empty())>
                <ul class="people-chosen" aria-label="Chosen people">
                    <For each=move || chosen.get() key=|person| person.account let(person)>
                        <li>
                            <button
                                type="button"
                                class="chip"
                                aria-label=format!("Remove {}", person.username)
                                on:click={
                                    let person = person.clone();
                                    move |_| toggle(&person)
                                }
                            >
                                <span>{person.username.to_string()}</span>
                                <Icon sign=Sign::Close />
                            </button>
                        </li>
                    </For>
                </ul>
            </Show>
            <p class="hint" role="status">{summary}</p>
            <ul class="people-options" aria-label="People">
                <For each=move || people.get() key=|person| person.account let(person)>
                    <li>
                        <label class="people-option">
                            <input
                                type="checkbox"
                                prop:checked={
                                    let person = person.clone();
                                    move || chosen.with(|chosen| chosen.contains(&person))
                                }
                                on:change={
                                    let person = person.clone();
                                    move |_| toggle(&person)
                                }
                            />
                            <Avatar people=vec![person.clone()] />
                            <span>{person.username.to_string()}</span>
                        </label>
                    </li>
                </For>
            </ul>
            <Show when=move || found.with(|found| found.more)>
                <p><button type="button" class="button" on:click=move |_| on_more.run(())>"Show more people"</button></p>
            </Show>
        </div>
    }
}
