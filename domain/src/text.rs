//! Validated text: a value of these types has been trimmed and measured, so nothing behind a port checks again.

use crate::FieldError;
use serde::{Deserialize, Serialize};

/// A name of a workspace, project, document or conversation: 1 to 120 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    pub const MAX_CHARS: usize = 120;

    /// # Errors
    /// A [`FieldError`] for `field` when the text is empty, too long or holds control characters.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(FieldError::new(field, "Give it a name."));
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(FieldError::new(field, format!("Keep the name under {} characters.", Self::MAX_CHARS)));
        }
        if text.chars().any(char::is_control) {
            return Err(FieldError::new(field, "Use a name on one line, without control characters."));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An email address, in lower case. Only its shape is checked: whether it exists is for the confirmation mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(format = "email"))]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// # Errors
    /// A [`FieldError`] for `field` when the text has not the shape `local@domain`.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = text.trim().to_lowercase();
        let shaped = text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !domain.contains('@')
        });
        // 254: the longest address that fits an SMTP path (RFC 5321, 4.5.3.1.3).
        if !shaped || text.len() > 254 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(FieldError::new(field, "Enter an email address, like name@example.com."));
        }
        Ok(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Running text of at most `MAX` characters; it may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Prose<const MAX: usize>(String);

impl<const MAX: usize> Prose<MAX> {
    /// # Errors
    /// A [`FieldError`] for `field` when the text is longer than `MAX` characters or holds a NUL, which Postgres
    /// cannot store.
    pub fn parse(field: &str, text: &str) -> Result<Self, FieldError> {
        let text = text.trim();
        if text.chars().count() > MAX {
            return Err(FieldError::new(field, format!("Keep this under {MAX} characters.")));
        }
        if text.contains('\0') {
            return Err(FieldError::new(field, "Remove the unreadable characters."));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<const MAX: usize> TryFrom<String> for Prose<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse("text", &text).map_err(|error| error.message)
    }
}

impl<const MAX: usize> From<Prose<MAX>> for String {
    fn from(text: Prose<MAX>) -> Self {
        text.0
    }
}

macro_rules! string_conversions {
    ($($name:ident $field:literal;)*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                Self::parse($field, &text).map_err(|error| error.message)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

pub(crate) use string_conversions;

string_conversions! {
    Name "name";
    Email "email";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_measured_in_characters() {
        assert_eq!(Name::parse("name", "  Nord  ").map(String::from), Ok("Nord".to_owned()));
        assert!(Name::parse("name", &"ø".repeat(120)).is_ok());
        for bad in ["", "   ", "a\nb", &"ø".repeat(121)] {
            assert!(Name::parse("name", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_email_has_a_local_part_and_a_domain() {
        assert_eq!(Email::parse("email", " Ada@Example.COM ").map(String::from), Ok("ada@example.com".to_owned()));
        for bad in
            ["", "ada", "@example.com", "ada@", "ada@com", "ada@.com", "ada@com.", "a b@example.com", "a@b@example.com"]
        {
            assert!(Email::parse("email", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn prose_may_be_empty_but_not_endless() {
        assert!(Prose::<5>::parse("text", "").is_ok_and(|text| text.is_empty()));
        assert!(Prose::<5>::parse("text", "123456").is_err());
        assert!(Prose::<5>::parse("text", "a\0b").is_err());
    }
}
