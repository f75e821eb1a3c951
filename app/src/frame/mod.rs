//! What stands around every page of a signed-in person: the rail, on phones the bar at the foot.

pub mod api;
mod place;
mod rail;
mod tab_bar;

use crate::loaded::loaded;
use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

/// The rail's contents for the place in view. In the context of every page in the frame, so that a page that changes
/// them (a new project, another name) can have them fetched again.
#[derive(Clone, Copy)]
pub struct FrameData(Resource<Result<domain::navigation::Navigation, crate::ApiError>>);

impl FrameData {
    pub fn refetch(self) {
        self.0.refetch();
    }
}

/// The frame. Its data is fetched beside the page's own, not before it.
#[component]
pub fn Frame() -> impl IntoView {
    let pathname = use_location().pathname;
    let place = Memo::new(move |_| pathname.with(|path| place::of_path(path)));
    let navigation = Resource::new_blocking(move || place.get(), api::get_navigation);
    provide_context(FrameData(navigation));
    let collapsed = rail::collapsed();
    view! {
        <div class="frame" data-rail=move || collapsed.get().then_some("collapsed")>
            <Transition fallback=rail::RailSkeleton>
                {move || Suspend::new(async move {
                    loaded(navigation).await.ok().map(|navigation| view! {
                        <tab_bar::TabBar
                            workspace=navigation.workspace.as_ref().map(|(link, _)| link.id)
                            project=navigation.project.as_ref().map(|link| link.id)
                        />
                        <rail::Rail navigation collapsed/>
                    })
                })}
            </Transition>
            <div class="column">
                <Outlet/>
            </div>
        </div>
    }
}
