use ::time::{OffsetDateTime, macros::format_description};
use leptos::prelude::*;

/// A point in time. The server writes the date; after hydration, what is less than a week old is told as a distance.
#[component]
pub fn Time(at: OffsetDateTime) -> impl IntoView {
    let at = at.to_offset(::time::UtcOffset::UTC);
    let date = at.format(format_description!("[day padding:none] [month repr:short] [year]")).unwrap_or_default();
    let exact = at
        .format(format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC"))
        .unwrap_or_default();
    let machine = at.format(&::time::format_description::well_known::Rfc3339).unwrap_or_default();
    let text = RwSignal::new(date);
    Effect::new(move |_| {
        if let Some(distance) = distance(now_unix() - at.unix_timestamp()) {
            text.set(distance);
        }
    });
    view! { <time datetime=machine title=exact>{text}</time> }
}

/// Seconds since the Unix epoch, by the reader's clock.
#[allow(clippy::cast_possible_truncation)] // milliseconds since 1970 fit
fn now_unix() -> i64 {
    (js_sys::Date::now() / 1000.0) as i64
}

/// `seconds` ago in words, up to a week.
fn distance(seconds: i64) -> Option<String> {
    // What is still to come is told by its date. A little of it is only the reader's clock.
    let (count, unit) = match seconds {
        ..-60 => return None,
        -60..45 => return Some("just now".to_owned()),
        s @ 45..3_570 => (((s + 30) / 60).max(1), "min"),
        s @ 3_570..84_600 => ((s + 1_800) / 3_600, "h"),
        s @ 84_600..604_800 => ((s + 43_200) / 86_400, if (s + 43_200) / 86_400 == 1 { "day" } else { "days" }),
        _ => return None,
    };
    Some(format!("{count} {unit} ago"))
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn what_is_recent_is_told_as_a_distance() {
        for (seconds, words) in [
            (-86_400, None),
            (-5, Some("just now")),
            (44, Some("just now")),
            (45, Some("1 min ago")),
            (3_569, Some("59 min ago")),
            (3_600, Some("1 h ago")),
            (86_400, Some("1 day ago")),
            (200_000, Some("2 days ago")),
            (604_800, None),
        ] {
            assert_eq!(distance(seconds).as_deref(), words, "{seconds}");
        }
    }
}
