//! HTML: the article of a page where there is one, else everything that can be read.

use super::{ExtractError, Limits, markdown};
use dom_smoothie::{Config, Readability};

/// Pages with more elements are no articles; the limit bounds the time.
const MAX_ELEMENTS: usize = 50_000;

/// An article that keeps less than this part of the page's text has missed something, as on a page of many sections.
const LEAST_SHARE: usize = 3;

/// # Errors
/// When time is up, or the page cannot be turned into text.
pub fn to_text(html: &str, limits: &Limits) -> Result<String, ExtractError> {
    let whole = convert(html)?;
    limits.check_time()?;
    let config = Config { max_elements_to_parse: MAX_ELEMENTS, ..Config::default() };
    let article = Readability::new(html, None, Some(config)).and_then(|mut readability| readability.parse());
    let Ok(article) = article else { return Ok(whole) };
    limits.check_time()?;
    let text = convert(&article.content)?;
    if text.len() * LEAST_SHARE < whole.len() {
        return Ok(whole);
    }
    let title = article.title.trim();
    Ok(if title.is_empty() || text.trim_start().starts_with(title) { text } else { format!("{title}\n\n{text}") })
}

/// By way of Markdown, whose structure is kept readable.
fn convert(html: &str) -> Result<String, ExtractError> {
    let converter = htmd::HtmlToMarkdown::builder()
        .skip_tags(vec![
            "script", "style", "noscript", "template", "svg", "iframe", "head", "nav", "form", "button", "select",
        ])
        .build();
    let text = converter.convert(html).map_err(|_| ExtractError::Crashed)?;
    Ok(markdown::to_text(&text))
}
