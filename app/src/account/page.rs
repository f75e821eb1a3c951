use super::{
    api::{self, AccountHome},
    delete::DeleteSection,
    email::EmailSection,
    factors::FactorsSection,
    password::PasswordSection,
    profile::ProfileSection,
    sessions::SessionsSection,
};
use crate::{
    error::ApiError,
    flash::NoticeLine,
    loaded::loaded,
    ui::{Crumb, Failure, Page, Skeleton},
};
use leptos::prelude::*;

/// The sections, in their order: id and title.
const SECTIONS: [(&str, &str); 6] = [
    ("profile", "Profile"),
    ("email", "Email"),
    ("password", "Password"),
    ("second-factor", "Second factor"),
    ("sessions", "Sessions"),
    ("delete", "Delete account"),
];

/// The account of the person who is signed in.
#[component]
pub fn AccountPage() -> impl IntoView {
    let home = Resource::new_blocking(|| (), |()| api::get_account());
    view! {
        <Page title="Account" crumbs=vec![Crumb::here("Account")]>
            <Transition fallback=|| view! { <Skeleton rows=6/> }>
                {move || Suspend::new(async move { content(loaded(home).await, Callback::new(move |()| home.refetch())) })}
            </Transition>
        </Page>
    }
}

fn content(home: Result<AccountHome, ApiError>, refetch: Callback<()>) -> AnyView {
    let AccountHome { account, notice } = match home {
        Ok(home) => home,
        Err(error) => return view! { <Failure error/> }.into_any(),
    };
    let index = SECTIONS.into_iter().map(|(id, title)| view! { <a href=format!("#{id}")>{title}</a> }).collect_view();
    let email = account.user.email.clone();
    let has_password = account.providers.iter().any(|provider| provider == "email");
    view! {
        <div class="settings">
            <nav class="settings__index" aria-label="Sections">{index}</nav>
            <div class="settings__body">
                <h1>"Account"</h1>
                <NoticeLine notice/>
                <ProfileSection name=account.user.display_name/>
                <EmailSection email=email.clone() waiting=account.new_email providers=account.providers/>
                <PasswordSection email=email.clone() has_password/>
                <FactorsSection factors=account.second_factors refetch/>
                <SessionsSection/>
                <DeleteSection email/>
            </div>
        </div>
    }
    .into_any()
}

/// A section with its title and one sentence of what it is for.
#[component]
pub(super) fn Section(
    id: &'static str,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    children: Children,
) -> impl IntoView {
    let title_id = format!("{id}-title");
    view! {
        <section class="settings__section" id=id aria-labelledby=title_id.clone()>
            <h2 id=title_id.clone()>{title}</h2>
            <p class="settings__about">{text}</p>
            {children()}
        </section>
    }
}
