//! Pages whose code is not in the first WASM module: a browser fetches it with the page that the server rendered (which
//! names it in its head), or when a link first leads there. The feature `split` marks where cargo-leptos cuts the modules
//! apart (`--split`); without it all of them are in the first one. Leptos 0.9 changes lazy routes: so they are here only.

// The macro writes the function that the one module imports and the other exports.
#![cfg_attr(feature = "split", allow(unsafe_code))]

use leptos::{prelude::*, wasm_split::SplitLoaderError};
use leptos_router::{ChooseView, hooks::use_url};

/// The pages of one module.
macro_rules! module {
    ($(#[$doc:meta])* $pages:ident in $module:ident { $($page:ident = $component:path,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) enum $pages {
            $($page,)+
        }

        impl $pages {
            fn render(self) -> AnyView {
                match self {
                    $(Self::$page => $component().into_any(),)+
                }
            }
        }

        #[cfg(feature = "split")]
        mod $module {
            use super::*;

            #[leptos::wasm_split::wasm_split($module, wasm_split_path = ::leptos::wasm_split, preload(load), fallible)]
            pub(super) fn view(page: $pages) -> Result<AnyView, SplitLoaderError> {
                Ok(page.render())
            }
        }

        #[cfg(not(feature = "split"))]
        mod $module {
            use super::*;

            pub(super) async fn load() -> Result<(), SplitLoaderError> {
                Ok(())
            }

            pub(super) async fn view(page: $pages) -> Result<AnyView, SplitLoaderError> {
                Ok(page.render())
            }
        }

        impl ChooseView for $pages {
            async fn choose(self) -> AnyView {
                #[cfg(feature = "ssr")]
                leptos::prefetch_lazy_fn_on_server(stringify!($module));
                match $module::view(self).await {
                    Ok(view) => view,
                    Err(_) => without_code().await,
                }
            }

            async fn preload(&self) {
                if $module::load().await.is_err() {
                    without_code::<()>().await;
                }
            }
        }
    };
}

module! {
    /// Everything about signing in.
    SignIn in sign_in {
        Login = crate::auth::LoginPage,
        Register = crate::auth::RegisterPage,
        Link = crate::auth::LinkPage,
        SecondFactor = crate::auth::SecondFactorPage,
        Forgot = crate::auth::ForgotPage,
        Reset = crate::auth::ResetPage,
        Confirm = crate::auth::ConfirmPage,
        Callback = crate::auth::CallbackPage,
        Leave = crate::auth::LeavePage,
        Invite = crate::members::InvitePage,
    }
}

module! {
    /// The places of a team.
    Team in team {
        Workspaces = crate::workspaces::WorkspacesPage,
        NewWorkspace = crate::workspaces::NewWorkspacePage,
        Workspace = crate::workspaces::WorkspacePage,
        NewProject = crate::workspaces::NewProjectPage,
    }
}

module! {
    /// A person's account and a workspace's settings.
    Settings in settings {
        Account = crate::account::AccountPage,
        Enrol = crate::account::EnrolPage,
        Workspace = crate::workspaces::SettingsPage,
    }
}

module! {
    /// A project and what is in it.
    Project in project {
        Home = crate::projects::ProjectPage,
        Documents = crate::documents::DocumentsPage,
        Trash = crate::trash::TrashPage,
        Search = crate::search::SearchPage,
    }
}

module! {
    /// One document.
    Document in document {
        Read = crate::documents::DocumentPage,
        Edit = crate::written::EditorPage,
        History = crate::written::HistoryPage,
        Shared = crate::shares::SharedPage,
    }
}

module! {
    /// Conversations.
    Chat in chat {
        Project = crate::chat::ChatPage,
        Conversation = crate::chat::ConversationPage,
    }
}

/// The code of a page cannot be had: most often a new version of Atelier is running, and the server has no more of the
/// old one. A link then leads to the page as the server renders it. A page that was just rendered stays as it is, and
/// its forms work as they do without JavaScript.
async fn without_code<T>() -> T {
    let root = document().document_element();
    if root.is_some_and(|root| root.has_attribute(HYDRATED)) {
        // Where the link leads: the browser's own address is still that of the page before.
        let url = use_url().get_untracked();
        let mut address = url.path().to_owned();
        for (mark, part) in [('?', url.search()), ('#', url.hash())] {
            let part = part.trim_start_matches(mark);
            if !part.is_empty() {
                address.push(mark);
                address.push_str(part);
            }
        }
        let _ = window().location().assign(&address);
    }
    std::future::pending().await
}

/// The attribute of `html` that tells the style sheet and the tests that scripts run.
const HYDRATED: &str = "data-hydrated";

/// Says that the page is attached: called when its own module has come, too.
pub fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(HYDRATED, "");
    }
}
