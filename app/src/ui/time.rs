use ::time::{OffsetDateTime, UtcOffset};
use leptos::prelude::*;

/// A point in time. The server writes the date; after hydration, what is less than a week old is told as a distance.
#[component]
pub fn Time(at: OffsetDateTime) -> impl IntoView {
    let Told { date, exact, machine } = Told::of(at);
    let text = RwSignal::new(date);
    Effect::new(move |_| {
        if let Some(distance) = distance(now_unix() - at.unix_timestamp()) {
            text.set(distance);
        }
    });
    view! { <time datetime=machine title=exact>{text}</time> }
}

struct Told {
    /// "9 Nov 2026".
    date: String,
    /// "9 November 2026, 08:05 UTC".
    exact: String,
    /// For machines, as HTML wants it.
    machine: String,
}

impl Told {
    /// By hand: the crate's descriptions of formats would bring 70 kB of code into the browser, for these three.
    fn of(at: OffsetDateTime) -> Self {
        let at = at.to_offset(UtcOffset::UTC);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let name = month.to_string();
        Self {
            date: format!("{day} {} {year}", &name[..3]),
            exact: format!("{day} {name} {year}, {hour:02}:{minute:02} UTC"),
            machine: format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", u8::from(month)),
        }
    }
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
    use super::{Told, distance};
    use time::macros::datetime;

    #[test]
    fn a_point_in_time_is_told_in_three_ways() {
        let Told { date, exact, machine } = Told::of(datetime!(2026-11-09 09:05:07.25 +1));
        assert_eq!(date, "9 Nov 2026");
        assert_eq!(exact, "9 November 2026, 08:05 UTC");
        assert_eq!(machine, "2026-11-09T08:05:07Z");
    }

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
