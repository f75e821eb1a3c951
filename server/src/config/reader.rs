//! Reads variables one by one and collects what is wrong with them.

use super::{Environment, variables};
use secrecy::SecretString;
use std::{fmt, str::FromStr};

/// One variable that is missing or wrong, and what to do about it. Never holds the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub variable: &'static str,
    pub fix: String,
}

impl Mistake {
    pub(super) fn new(variable: &'static str, fix: impl Into<String>) -> Self {
        Self { variable, fix: fix.into() }
    }
}

/// All that is wrong, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "The configuration has {} mistake{}:", self.0.len(), if self.0.len() == 1 { "" } else { "s" })?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {}: {}", mistake.variable, mistake.fix))
    }
}

impl std::error::Error for Mistakes {}

pub(super) struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<String>,
    production: bool,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { source, production: false, mistakes: Vec::new() }
    }

    pub(super) fn environment(&mut self) -> Environment {
        let name = self.text("ATELIER_ENV");
        match name.as_deref() {
            None | Some("development") => Environment::Development,
            Some("production") => {
                self.production = true;
                Environment::Production
            }
            Some(_) => {
                self.mistake("ATELIER_ENV", "use `development` or `production`");
                Environment::Development
            }
        }
    }

    pub(super) fn production(&self) -> bool {
        self.production
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        debug_assert!(variables::find(name).is_some(), "{name} is missing from the table of variables");
        (self.source)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, name: &'static str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// `default` when unset; a mistake that says `fix` when it does not parse.
    pub(super) fn parse_or<T: FromStr>(&mut self, name: &'static str, default: T, fix: &str) -> T {
        match self.text(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.mistake(name, fix);
                default
            }
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(&mut self, name: &'static str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let fix = format!("use a whole number from {} to {}", range.start(), range.end());
        let value = self.parse_or(name, default, &fix);
        if range.contains(&value) {
            return value;
        }
        self.mistake(name, fix);
        default
    }

    /// An `https` URL, or `http` on loopback, without user, query or fragment.
    pub(super) fn url(&mut self, name: &'static str) -> Option<url::Url> {
        let text = self.text(name)?;
        match check_url(&text) {
            Ok(url) => Some(url),
            Err(fix) => {
                self.mistake(name, fix);
                None
            }
        }
    }

    pub(super) fn mistake(&mut self, variable: &'static str, fix: impl Into<String>) {
        self.mistakes.push(Mistake::new(variable, fix));
    }

    /// Notes that `variable` is missing.
    pub(super) fn missing(&mut self, variable: &'static str, why: &str) {
        let explanation = variables::find(variable).map_or("", |v| v.explanation);
        self.mistake(variable, format!("{why}. Set it: {explanation}"));
    }

    pub(super) fn finish(&mut self) -> Result<(), Mistakes> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(std::mem::take(&mut self.mistakes))) }
    }
}

fn check_url(text: &str) -> Result<url::Url, String> {
    let url = url::Url::parse(text).map_err(|_| "use a whole URL such as https://example.com".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave user and password out of the URL".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("leave out what follows `?` or `#`".to_owned());
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err("use https; http is only for 127.0.0.1, ::1 and localhost".to_owned()),
        _ => Err("use a URL that begins with https://".to_owned()),
    }
}

/// Whether the URL's host is this machine.
pub(super) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
