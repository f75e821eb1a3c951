use leptos::prelude::*;

/// Stands for rows that are on their way, at their true height so that nothing moves when they come.
#[component]
pub fn Skeleton(
    #[prop(default = 3)] rows: usize,
    /// The class that gives one row its height: `skeleton--line`, `skeleton--row`, `skeleton--card`.
    #[prop(default = "skeleton--row")]
    shape: &'static str,
) -> impl IntoView {
    let class = format!("skeleton {shape}");
    let rows = (0..rows).map(|_| view! { <span class=class.clone()></span> }).collect_view();
    view! { <div class="skeletons" role="status" aria-label="Loading">{rows}</div> }
}
