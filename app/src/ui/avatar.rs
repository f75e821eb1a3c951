use leptos::prelude::*;

/// A person as initials on one of six calm tints. The name is the tooltip and what a screen reader hears.
#[component]
pub fn Avatar(
    #[prop(into)] name: String,
    /// 32 px instead of 24.
    #[prop(optional)]
    large: bool,
    /// More about the person, after the name: `owner`.
    #[prop(optional, into)]
    note: Option<String>,
    /// The name stands beside it, so nobody needs to hear it twice.
    #[prop(optional)]
    decorative: bool,
) -> impl IntoView {
    let tint = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % 6;
    let class = format!("avatar avatar--{tint}{}", if large { " avatar--large" } else { "" });
    let title = match note {
        Some(note) => format!("{name}, {note}"),
        None => name.clone(),
    };
    view! {
        <span
            class=class
            role=(!decorative).then_some("img")
            title=(!decorative).then(|| title.clone())
            aria-label=(!decorative).then_some(title)
            aria-hidden=decorative.then_some("true")
        >
            {initials(&name)}
        </span>
    }
}

/// Of the first and the last word, in capitals.
fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::initials;

    #[test]
    fn initials_are_of_the_first_and_last_word() {
        assert_eq!(initials("Ada Lovelace"), "AL");
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials("øystein.von.berg"), "ØB");
        assert_eq!(initials(""), "");
    }
}
