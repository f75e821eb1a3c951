//! Who knows the accounts: Supabase Auth, or the embedded provider.

use super::reader::Reader;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

#[derive(Clone, Debug)]
pub enum Identity {
    Embedded(Embedded),
    Supabase(Supabase),
}

/// How the embedded provider behaves.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    /// Whether an address must be confirmed before it can sign in.
    pub confirm_email: bool,
    /// Whether nobody can make an account by themselves.
    pub sign_up_closed: bool,
    /// Signs with HS256 instead of the provider's own ES256 keys.
    pub jwt_secret: Option<SecretString>,
}

#[derive(Clone, Debug)]
pub struct Supabase {
    /// The project's URL, without `/auth/v1`.
    pub url: Url,
    /// `sb_publishable_…`, or the legacy `anon` key.
    pub publishable_key: SecretString,
    /// Lets our server pass each visitor's address on, so that visitors do not share one rate limit.
    pub secret_key: Option<SecretString>,
    /// Only for projects that still sign with the shared HS256 secret.
    pub jwt_secret: Option<SecretString>,
}

/// Secrets that stand in the documentation and examples of Supabase and GoTrue, which everyone knows.
const EXAMPLE_SECRETS: &[&str] = &[
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-jwt-token-with-at-least-32-characters-long",
    "your-super-secret-and-long-postgres-password",
    "37c304f8-51aa-419a-a1af-06154e63707a",
    "your-super-secret-jwt-token",
    "your-jwt-secret",
    "testsecret",
    "secret",
];
/// RFC 7518, 3.2: a key of HS256 has at least the 256 bits of its hash.
const MIN_SECRET_BYTES: usize = 32;

impl Identity {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let key = reader.secret("SUPABASE_PUBLISHABLE_KEY").or_else(|| reader.secret("SUPABASE_ANON_KEY"));
        let url_set = reader.text("SUPABASE_URL").is_some();
        let supabase_set = url_set || key.is_some();
        let chosen = match reader.text("ATELIER_IDENTITY").as_deref() {
            None => !supabase_set && !reader.production(),
            Some("embedded") => true,
            Some("supabase") => false,
            Some(_) => {
                reader.mistake("ATELIER_IDENTITY", "use `embedded` or `supabase`");
                return None;
            }
        };
        if chosen {
            if supabase_set {
                reader.mistake(
                    "ATELIER_IDENTITY",
                    "it is `embedded`: unset SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY, or this",
                );
                return None;
            }
            return Embedded::read(reader).map(Self::Embedded);
        }
        let why = if supabase_set {
            "the other Supabase variables are set, so this one is needed too"
        } else {
            "required in production, unless ATELIER_IDENTITY is `embedded`"
        };
        if !url_set {
            reader.missing("SUPABASE_URL", why);
        }
        if key.is_none() {
            reader.missing("SUPABASE_PUBLISHABLE_KEY", why);
        }
        for name in ["ATELIER_CONFIRM_EMAIL", "ATELIER_SIGN_UP"] {
            if reader.text(name).is_some() {
                reader.mistake(name, "it is for the embedded provider: set this in the Supabase project instead");
            }
        }
        let jwt_secret = reader.secret("SUPABASE_JWT_SECRET");
        refuse_example(reader, jwt_secret.as_ref());
        let secret_key = reader.secret("SUPABASE_SECRET_KEY");
        refuse_exchanged(reader, key.as_ref(), secret_key.as_ref());
        let url = reader.url("SUPABASE_URL");
        if url.as_ref().is_some_and(|url| url.path() != "/") {
            reader.mistake("SUPABASE_URL", "leave out the path: https://<project>.supabase.co");
            return None;
        }
        Some(Self::Supabase(Supabase { url: url?, publishable_key: key?, secret_key, jwt_secret }))
    }

    pub const fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }
}

impl Embedded {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let confirm_email =
            reader.parse_or("ATELIER_CONFIRM_EMAIL", false, "use `true` (addresses are confirmed by mail) or `false`");
        let sign_up_closed = match reader.text("ATELIER_SIGN_UP").as_deref() {
            None | Some("open") => false,
            Some("closed") => true,
            Some(_) => {
                reader.mistake("ATELIER_SIGN_UP", "use `open` or `closed`");
                false
            }
        };
        let jwt_secret = reader.secret("SUPABASE_JWT_SECRET");
        refuse_example(reader, jwt_secret.as_ref());
        let length = jwt_secret.as_ref().map_or(MIN_SECRET_BYTES, |secret| secret.expose_secret().len());
        if length < MIN_SECRET_BYTES {
            reader.mistake("SUPABASE_JWT_SECRET", "use at least 32 random characters (`openssl rand -base64 32`)");
        }
        // People who have forgotten a password would wait for a mail that never comes.
        if reader.production() {
            for name in ["SMTP_URL", "MAIL_FROM"] {
                if reader.text(name).is_none() {
                    reader
                        .missing(name, "the embedded identity provider sends mails, so this is required in production");
                }
            }
        }
        Some(Self { confirm_email, sign_up_closed, jwt_secret })
    }
}

/// What a key of Supabase may be used for, as far as it says so itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    /// What browsers may have: `sb_publishable_…`, or the legacy `anon` key.
    Publishable,
    /// What passes row-level security by: `sb_secret_…`, or the legacy `service_role` key.
    Secret,
    Unknown,
}

impl Power {
    fn of(key: &SecretString) -> Self {
        let key = key.expose_secret();
        if key.starts_with("sb_publishable_") {
            return Self::Publishable;
        }
        if key.starts_with("sb_secret_") {
            return Self::Secret;
        }
        // The legacy keys are JSON Web Tokens. Supabase verifies them; here it is enough what they say.
        let claims = key.split('.').nth(1).and_then(|claims| URL_SAFE_NO_PAD.decode(claims).ok());
        let claims = claims.and_then(|claims| serde_json::from_slice::<serde_json::Value>(&claims).ok());
        match claims.as_ref().and_then(|claims| claims["role"].as_str()) {
            Some("anon") => Self::Publishable,
            Some("service_role") => Self::Secret,
            _ => Self::Unknown,
        }
    }
}

/// The dashboard shows both keys on one page. In each other's place they fail late, and with words that say nothing.
fn refuse_exchanged(reader: &mut Reader<'_>, publishable: Option<&SecretString>, secret: Option<&SecretString>) {
    if publishable.is_some_and(|key| Power::of(key) == Power::Secret) {
        reader.mistake(
            "SUPABASE_PUBLISHABLE_KEY",
            "this is a secret key: use the publishable one, sb_publishable_… (or the legacy anon key), and make a new \
             secret key if this one may have been seen",
        );
    }
    if secret.is_some_and(|key| Power::of(key) == Power::Publishable) {
        reader.mistake(
            "SUPABASE_SECRET_KEY",
            "this is a publishable key, which browsers may have: use the secret one, sb_secret_… (or the legacy \
             service_role key), or unset this",
        );
    }
}

/// In production nobody may sign tokens with a secret that everyone can read.
fn refuse_example(reader: &mut Reader<'_>, secret: Option<&SecretString>) {
    let known = secret.is_some_and(|secret| EXAMPLE_SECRETS.contains(&secret.expose_secret()));
    if reader.production() && known {
        reader.mistake("SUPABASE_JWT_SECRET", "this one stands in public examples: make your own");
    }
}
