use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// The pieces of that kind.
fn found<'a>(language: &str, code: &'a str, token: Token) -> Vec<&'a str> {
    let marks = marks(language, code, usize::MAX);
    marks.iter().filter(|mark| mark.token == token).map(|mark| &code[mark.start..mark.end]).collect()
}

#[test]
fn rust_has_lifetimes_and_characters() {
    let code = "/* a\n b */ fn first<'a>(x: &'a str) -> char { 'ø' } // end\nlet s = \"a \\\" b\"; '\\''; 0x1F_u8";
    assert_eq!(found("rust", code, Token::Comment), ["/* a\n b */", "// end"]);
    assert_eq!(found("rs", code, Token::Keyword), ["fn", "str", "char", "let"]);
    assert_eq!(found("rust", code, Token::String), ["'ø'", "\"a \\\" b\"", "'\\''"]);
    assert_eq!(found("rust", code, Token::Number), ["0x1F_u8"]);
    assert_eq!(found("rust", "main();\nvec![1.5, 2]", Token::Name), ["main"]);
    assert_eq!(found("rust", "vec![1.5, 0..2]", Token::Number), ["1.5", "0", "2"]);
}

#[test]
fn python_has_long_strings_and_decorators() {
    let code = "@cache\ndef f(x):  # it's one\n    \"\"\"Say 'it'.\"\"\"\n    return f'{x}'";
    assert_eq!(found("Python", code, Token::Keyword), ["@cache", "def", "return"]);
    assert_eq!(found("py", code, Token::Comment), ["# it's one"]);
    assert_eq!(found("py", code, Token::String), ["\"\"\"Say 'it'.\"\"\"", "'{x}'"]);
    assert_eq!(found("py", code, Token::Name), ["f"]);
}

#[test]
fn data_has_keys() {
    let json = "{\"name\": \"a: b\", \"n\" : -1.5e3, \"ok\": true}";
    assert_eq!(found("json", json, Token::Name), ["\"name\"", "\"n\"", "\"ok\""]);
    assert_eq!(found("json", json, Token::String), ["\"a: b\""]);
    assert_eq!(found("json", json, Token::Keyword), ["true"]);
    let yaml = "# list\nfirst-key: don't\nurl: 'a#b' # c\n";
    assert_eq!(found("yaml", yaml, Token::Name), ["first-key", "url"]);
    assert_eq!(found("yaml", yaml, Token::String), ["'a#b'"]);
    assert_eq!(found("yaml", yaml, Token::Comment), ["# list", "# c"]);
    assert_eq!(found("toml", "a = 1 # b", Token::Name), ["a"]);
}

#[test]
fn other_families_have_their_own_ways() {
    assert_eq!(found("sql", "SELECT a FROM b -- c", Token::Keyword), ["SELECT", "FROM"]);
    assert_eq!(found("sql", "SELECT a FROM b -- c", Token::Comment), ["-- c"]);
    assert_eq!(found("sh", "echo $# # count", Token::Comment), ["# count"]);
    assert_eq!(found("ts", "`a ${b}\n` + 'c'", Token::String), ["`a ${b}\n`", "'c'"]);
    assert_eq!(found("css", "@media print { a-b: #fff; } /* c */", Token::Keyword), ["@media"]);
    let html = "<!-- c --><a href=\"x\" hidden>1 < 2</a>";
    assert_eq!(found("html", html, Token::Keyword), ["a", "a"]);
    assert_eq!(found("html", html, Token::Name), ["href", "hidden"]);
    assert_eq!(found("html", html, Token::String), ["\"x\""]);
    assert_eq!(found("html", html, Token::Comment), ["<!-- c -->"]);
    let diff = "@@ -1 +1 @@\n-old\n+new\n same\n";
    assert_eq!(found("diff", diff, Token::Deleted), ["-old"]);
    assert_eq!(found("diff", diff, Token::Inserted), ["+new"]);
}

#[test]
fn what_is_not_closed_ends_with_the_line_or_the_text() {
    assert_eq!(found("js", "'open\nlet", Token::String), ["'open"]);
    assert_eq!(found("js", "`open\nlet", Token::String), ["`open\nlet"]);
    assert_eq!(found("c", "/* open\nint", Token::Comment), ["/* open\nint"]);
    assert_eq!(found("js", "\"ends in \\", Token::String), ["\"ends in \\"]);
    assert_eq!(found("html", "<a href=\"open", Token::String), ["\"open"]);
}

#[test]
fn nothing_is_coloured_in_what_is_unknown_or_too_long_or_too_much() {
    assert_eq!(marks("klingon", "let x = 1", usize::MAX), []);
    assert_eq!(marks("", "let x = 1", usize::MAX), []);
    assert_eq!(marks("js", &"1 ".repeat(50_001), usize::MAX), []);
    assert_eq!(marks("js", "1 2 3", 2), []);
    assert_eq!(marks("js", "1 2 3", 3).len(), 3);
}

const ALL: [&str; 12] = ["rust", "ts", "py", "go", "sh", "sql", "json", "yaml", "toml", "css", "html", "diff"];

#[test]
fn hostile_code_takes_no_time() {
    let pieces =
        ["'", "\"", "\\", "/*", "`", "<a ", "\"\"\"", "a", "a ", "1", "1.", "#", "--", "@", "ø", " ", "\n", ":", "'\\"];
    for language in ALL {
        for piece in pieces {
            let code = piece.repeat(MAX_BYTES / piece.len());
            let began = Instant::now();
            marks(language, &code, usize::MAX);
            // Unoptimised it takes ten times as long as what people get, beside the other tests.
            assert!(began.elapsed() < Duration::from_millis(500), "{language} {piece:?}: {:?}", began.elapsed());
        }
    }
}

proptest! {
    #[test]
    fn marks_are_in_order_and_within_characters(code in "[a-z0-9'\"`\\\\/*#<>=:@ø€\n -]{0,60}", language in 0..ALL.len()) {
        let mut end = 0;
        for mark in marks(ALL[language], &code, usize::MAX) {
            prop_assert!(mark.start >= end && mark.end > mark.start);
            prop_assert!(code.get(mark.start..mark.end).is_some());
            end = mark.end;
        }
        prop_assert!(end <= code.len());
    }
}
