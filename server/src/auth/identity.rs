//! The identity provider of this process, whichever is configured.

use super::{
    AuthUser,
    client::Client,
    cookie::{SessionCookies, SessionTokens},
    jwks::Jwks,
    local::LocalProvider,
    people::{People, Presence},
    refresh::Refresher,
    standing::Standing,
    token::{Claims, TokenError, Verifier},
};
use crate::{
    config::{Config, identity::Identity as Provider},
    db::Db,
    events::{self, Events, Notice},
    fault::Fault,
    mail::Mailer,
};
use domain::{Error, UserId, accounts::SignInOptions};
use secrecy::SecretString;
use sqlx::PgConnection;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::broadcast::error::RecvError;
use url::Url;

/// How long the provider's settings are taken for unchanged.
const SETTINGS_FRESH: Duration = Duration::from_secs(60);

/// The address of the person behind a request, as far as the trusted proxies let one know. Whoever listens puts it into
/// the request's extensions; without it, `ConnectInfo<SocketAddr>` serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// What the provider says of itself; see [`Identity::check`].
#[derive(Clone, Debug)]
pub struct ProviderHealth {
    /// `Supabase Auth v2.180.0` or `embedded v0.1.0`.
    pub version: String,
    pub latency: Duration,
}

/// The identity provider: Supabase, or the embedded one. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    site: Url,
    client: Arc<Client>,
    verifier: Verifier,
    refresher: Refresher,
    people: People,
    cookies: SessionCookies,
    local: Option<LocalProvider>,
    settings: Mutex<Option<(Instant, SignInOptions)>>,
}

impl Identity {
    /// Connects to the configured provider. The embedded one makes its schema `auth` here, so this comes before
    /// [`Db::migrate`], whose trigger then finds `auth.users`; and after the site's address is known, which the
    /// tokens' issuer is made from.
    ///
    /// # Errors
    /// When the embedded provider cannot make its schema, its keys or its loopback listener. A Supabase that does not
    /// answer is no error here: see [`Self::check`].
    pub async fn start(config: &Config, db: &Db, mailer: &Mailer) -> Result<Self, Fault> {
        match &config.identity {
            Provider::Embedded(embedded) => {
                let issuer = format!("{}/auth/v1", origin(&config.site.public_url));
                let local = LocalProvider::start(db, config, embedded, issuer.clone(), mailer).await?;
                let client = client(local.url(), local.publishable_key(), Some(local.secret_key()), true)?;
                Ok(Self::assemble(config, db, client, issuer, embedded.jwt_secret.as_ref(), Some(local)))
            }
            Provider::Supabase(project) => {
                let base = origin(&project.url);
                let issuer = format!("{base}/auth/v1");
                let client = client(&base, project.publishable_key.clone(), project.secret_key.clone(), false)?;
                Ok(Self::assemble(config, db, client, issuer, project.jwt_secret.as_ref(), None))
            }
        }
    }

    fn assemble(
        config: &Config,
        db: &Db,
        client: Client,
        issuer: String,
        secret: Option<&SecretString>,
        local: Option<LocalProvider>,
    ) -> Self {
        let jwks = Jwks::remote(client.http(), client.url("/.well-known/jwks.json"));
        let client = Arc::new(client);
        let standing = Standing::new(db.clone(), local.is_some());
        let people = People::new(db.clone(), Arc::clone(&client), standing);
        let secure = config.site.is_https() || !config.site.is_local();
        if !config.site.is_https() && secure {
            tracing::warn!(
                address = %config.site.public_url,
                "browsers keep no session at a plain http address of another machine: put https in front of Atelier and set ATELIER_PUBLIC_URL to it"
            );
        }
        Self(Arc::new(Inner {
            site: config.site.public_url.clone(),
            client,
            verifier: Verifier::new(issuer, jwks, secret),
            refresher: Refresher::default(),
            people,
            cookies: SessionCookies::new(secure),
            local,
            settings: Mutex::default(),
        }))
    }

    /// The embedded provider's endpoints, to be nested at `/auth/v1`, so that supabase-js reaches them from outside;
    /// `None` with Supabase.
    pub fn routes(&self) -> Option<axum::Router> {
        self.0.local.as_ref().map(LocalProvider::routes)
    }

    /// The key that a client of the embedded provider sends as `apikey`; `None` with Supabase.
    pub fn embedded_publishable_key(&self) -> Option<SecretString> {
        self.0.local.as_ref().map(LocalProvider::publishable_key)
    }

    /// Asks the provider for a sign of life and for keys to verify with. Ends within ten seconds.
    ///
    /// # Errors
    /// A sentence that says what is wrong and how to mend it.
    pub async fn check(&self) -> Result<ProviderHealth, String> {
        let started = Instant::now();
        let health = self.0.client.health().await.map_err(|error| {
            format!(
                "the identity provider gives no sign of life ({error}): check SUPABASE_URL and SUPABASE_PUBLISHABLE_KEY"
            )
        })?;
        let latency = started.elapsed();
        self.0.verifier.check().await?;
        let name = if self.0.local.is_some() { "embedded" } else { "Supabase Auth" };
        Ok(ProviderHealth { version: format!("{name} {}", health.version), latency })
    }

    /// Takes all second factors from a person and returns how many there were; other servers hear of it.
    ///
    /// # Errors
    /// `Refused` with what to set, where Supabase's secret key is missing; [`Fault::Identity`].
    pub async fn reset_second_factor(&self, db: &Db, user: UserId) -> Result<usize, Fault> {
        let client = self.client();
        if !client.is_admin() {
            return Err(Error::unavailable(
                "This takes the project's secret key. Set SUPABASE_SECRET_KEY, or remove the factor in Supabase's dashboard.",
            )
            .into());
        }
        let told = |error: super::client::ClientError| Fault::Identity(error.into());
        let factors = client.factors_of(user.into()).await.map_err(told)?;
        for factor in &factors {
            client.delete_factor_of(user.into(), factor.id).await.map_err(told)?;
        }
        self.people().forget_person(user.into());
        let mut system = db.system().await?;
        events::notify(system.conn(), &Notice::Person { user }).await?;
        system.commit().await?;
        Ok(factors.len())
    }

    /// Ends the embedded provider's listener.
    pub fn stop(&self) {
        if let Some(local) = &self.0.local {
            local.stop();
        }
    }

    /// What the provider allows, asked anew each minute; while it does not answer, what it said last.
    pub(super) async fn options(&self) -> Result<SignInOptions, super::client::ClientError> {
        let remembered = self.0.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, options)) = &remembered
            && at.elapsed() < SETTINGS_FRESH
        {
            return Ok(options.clone());
        }
        match (self.0.client.settings().await, remembered) {
            (Ok(settings), _) => {
                let options = SignInOptions {
                    sign_up_open: !settings.disable_signup && settings.external.email,
                    email: settings.external.email,
                    oauth: enabled(&settings.external),
                };
                *self.0.settings.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), options.clone()));
                Ok(options)
            }
            (Err(error), Some((_, options))) => {
                tracing::warn!(%error, "the identity provider's settings could not be read; the last ones serve");
                Ok(options)
            }
            (Err(error), None) => Err(error),
        }
    }

    pub(super) async fn verify(&self, access_token: &str) -> Result<Arc<Claims>, TokenError> {
        self.0.verifier.verify(access_token).await
    }

    /// Who is behind a verified token, looked up every few seconds.
    pub(super) async fn presence(&self, claims: &Claims, token: &str) -> Result<Presence, Fault> {
        self.0.people.presence(claims, token).await
    }

    /// Who is behind tokens that the provider has just given out.
    ///
    /// # Errors
    /// [`Fault::Identity`] when its own tokens do not verify: then something is configured wrongly, and the log says what.
    pub(super) async fn accept(&self, tokens: &SessionTokens) -> Result<Presence, Fault> {
        let claims = self.verify(&tokens.access).await.map_err(|error| Fault::Identity(Box::new(error)))?;
        // The session may have been raised to a higher level, or its person given a second factor, by this very answer.
        self.0.people.forget_session(&claims);
        self.presence(&claims, &tokens.access).await
    }

    pub(super) fn people(&self) -> &People {
        &self.0.people
    }

    /// Forgets what is known of people's sessions as soon as another process says that it has changed. Ends with the
    /// events.
    pub fn follow(&self, events: &Events) {
        let (identity, events, mut heard) = (self.clone(), events.clone(), events.subscribe());
        tokio::spawn(async move {
            loop {
                let notice = tokio::select! {
                    () = events.stopped() => return,
                    notice = heard.recv() => notice,
                };
                match notice {
                    Ok(Notice::Person { user }) => identity.people().forget_person(user.into()),
                    Ok(Notice::Missed) | Err(RecvError::Lagged(_)) => identity.people().forget_everybody(),
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    /// The access token of the request's cookies, unverified: enough to count one session's tries together, because
    /// with any other token they come to nothing.
    pub(crate) fn presented_session(&self, headers: &http::HeaderMap) -> Option<String> {
        self.0.cookies.read(headers).access
    }

    /// Whether the session or the API key that was verified once still counts.
    pub(crate) async fn stands(&self, user: &AuthUser) -> Result<bool, Fault> {
        self.0.people.standing().stands(user).await
    }

    /// Whether the account is there and not banned, as far as can be told: for what counts only as long as its maker does.
    pub(crate) async fn account_counts(&self, conn: &mut PgConnection, user: UserId) -> Result<bool, Fault> {
        self.standing().account_counts(conn, user).await
    }

    pub(super) fn standing(&self) -> &Standing {
        self.0.people.standing()
    }

    pub(super) fn site(&self) -> &Url {
        &self.0.site
    }

    pub(super) fn client(&self) -> &Arc<Client> {
        &self.0.client
    }

    pub(super) fn refresher(&self) -> &Refresher {
        &self.0.refresher
    }

    pub(super) fn cookies(&self) -> SessionCookies {
        self.0.cookies
    }
}

/// Scheme, host and port, without a trailing slash.
fn origin(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

fn client(
    base: &str,
    publishable: SecretString,
    secret: Option<SecretString>,
    loopback: bool,
) -> Result<Client, Fault> {
    Client::new(base, publishable, secret, loopback).map_err(Fault::while_doing("make the identity provider's client"))
}

/// The names of the enabled OAuth providers; `external` has one flag for each way to sign in, OAuth or not.
fn enabled(external: &supabase_auth_rs::models::External) -> Vec<String> {
    let flags = serde_json::to_value(external).unwrap_or_default();
    let names = flags
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, on)| on.as_bool() == Some(true))
        .map(|(name, _)| name.as_str());
    names.filter(|name| !matches!(*name, "email" | "phone" | "anonymous_users")).map(str::to_owned).collect()
}
