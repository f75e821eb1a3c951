//! Who knows the accounts: Supabase Auth, or the embedded provider.

use super::reader::Reader;
use secrecy::SecretString;
use url::Url;

#[derive(Clone, Debug)]
pub enum Identity {
    Embedded,
    Supabase(Supabase),
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

impl Identity {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let key = reader.secret("SUPABASE_PUBLISHABLE_KEY").or_else(|| reader.secret("SUPABASE_ANON_KEY"));
        let url_set = reader.text("SUPABASE_URL").is_some();
        if !url_set && key.is_none() && !reader.production() {
            return Some(Self::Embedded);
        }
        let why = if url_set || key.is_some() {
            "the other Supabase variables are set, so this one is needed too"
        } else {
            "required in production"
        };
        if !url_set {
            reader.missing("SUPABASE_URL", why);
        }
        if key.is_none() {
            reader.missing("SUPABASE_PUBLISHABLE_KEY", why);
        }
        let url = reader.url("SUPABASE_URL");
        if url.as_ref().is_some_and(|url| url.path() != "/") {
            reader.mistake("SUPABASE_URL", "leave out the path: https://<project>.supabase.co");
            return None;
        }
        Some(Self::Supabase(Supabase {
            url: url?,
            publishable_key: key?,
            secret_key: reader.secret("SUPABASE_SECRET_KEY"),
            jwt_secret: reader.secret("SUPABASE_JWT_SECRET"),
        }))
    }
}
