use super::editor::{Editor, SaveState};
use leptos::prelude::*;
use std::time::Duration;

/// How far what is typed has come, in a few quiet words. Only what is wrong is announced.
#[component]
pub(super) fn SaveLine(editor: Editor) -> impl IntoView {
    // Milliseconds since 1970; not known to the server's first render.
    let now = RwSignal::new(None::<f64>);
    Effect::new(move |_| {
        let tick = move || {
            let _ = now.try_set(Some(js_sys::Date::now()));
        };
        tick();
        if let Ok(timer) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || timer.clear());
        }
    });
    let line = Memo::new(move |_| editor.state.with(|state| words(state, now.get())));
    let is_bad = move || {
        editor.state.with(|state| {
            matches!(state, SaveState::Unreachable { .. } | SaveState::Refused(_) | SaveState::Overtaken(_))
        })
    };
    view! {
        <p class="save-line" data-bad=move || is_bad().then_some("")>{line}</p>
        <p class="visually-hidden" role="status">{move || is_bad().then(|| line.get())}</p>
    }
}

fn words(state: &SaveState, now: Option<f64>) -> String {
    match state {
        SaveState::Saved { at } => now.map_or_else(|| "Saved".to_owned(), |now| saved((now - at) / 1000.0)),
        SaveState::Typed | SaveState::Saving => "Saving\u{2026}".to_owned(),
        SaveState::Unreachable { offline: true } => "Not saved \u{2013} offline. Kept in this browser.".to_owned(),
        SaveState::Unreachable { .. } => "Not saved yet. Kept in this browser; trying again.".to_owned(),
        SaveState::Refused(reason) => format!("Not saved: {reason}"),
        SaveState::Overtaken(_) => "Not saved: the document has changed meanwhile.".to_owned(),
    }
}

fn saved(seconds: f64) -> String {
    match seconds {
        ..2.0 => "Saved just now".to_owned(),
        2.0..60.0 => format!("Saved {seconds:.0} s ago"),
        60.0..3_600.0 => format!("Saved {:.0} min ago", (seconds / 60.0).floor()),
        _ => "Saved".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let at = |now| words(&SaveState::Saved { at: 10_000.0 }, now);
        assert_eq!(at(None), "Saved");
        assert_eq!(at(Some(9_000.0)), "Saved just now");
        assert_eq!(at(Some(14_200.0)), "Saved 4 s ago");
        assert_eq!(at(Some(200_000.0)), "Saved 3 min ago");
        assert_eq!(at(Some(8_000_000.0)), "Saved");
        assert!(words(&SaveState::Unreachable { offline: true }, None).contains("offline"));
    }
}
