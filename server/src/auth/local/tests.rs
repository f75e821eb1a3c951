//! The provider as its clients see it: by HTTP, on the app's own address.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod changes;
mod factors;
mod links;
mod tokens;

use crate::{mail::Mail, testing::TestApp};
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use reqwest::{Method, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sqlx::Connection;
use std::sync::Arc;
use time::OffsetDateTime;
use url::Url;

const PASSWORD: &str = "correct horse battery";

/// A client of the protocol, like supabase-js.
struct Gotrue {
    app: Arc<TestApp>,
    base: Url,
    since: OffsetDateTime,
    _process: Option<super::LocalProvider>,
    http: reqwest::Client,
    key: String,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: http::HeaderMap,
    body: Value,
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, body: response.json().await.unwrap_or(Value::Null) }
    }

    #[track_caller]
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }

    /// Checks an error in the older format, its header too.
    #[track_caller]
    fn is_error(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["error_code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.body["code"], status);
        assert!(self.body["msg"].as_str().is_some_and(|message| !message.is_empty()));
        assert_eq!(self.headers["x-sb-error-code"], code);
    }
}

/// A mail's link and code.
#[derive(Debug)]
struct Letter {
    link: Url,
    code: String,
    subject: String,
}

impl Letter {
    fn read(mail: &Mail) -> Self {
        let link = mail.text.lines().find(|line| line.starts_with("http")).map(|line| Url::parse(line).unwrap());
        let code: String =
            mail.text.split("code: ").nth(1).or(mail.text.split("you: ").nth(1)).unwrap().chars().take(6).collect();
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{mail:?}");
        Self { link: link.unwrap_or_else(|| Url::parse("about:blank").unwrap()), code, subject: mail.subject.clone() }
    }

    fn parameter(&self, name: &str) -> String {
        self.link.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// What our own page posts for the link.
    fn token_hash(&self) -> Value {
        json!({ "type": self.parameter("type"), "token_hash": self.parameter("token_hash") })
    }
}

/// Where a link of the protocol's own led.
struct Landing {
    target: Url,
    query: std::collections::BTreeMap<String, String>,
    fragment: std::collections::BTreeMap<String, String>,
}

impl Gotrue {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Addresses are to be confirmed.
    async fn confirming() -> Self {
        Self::start_with(&[("ATELIER_CONFIRM_EMAIL", "true")]).await
    }

    async fn start_with(variables: &[(&str, &str)]) -> Self {
        let app = TestApp::start_with(variables).await;
        let key = app.state.identity.embedded_publishable_key().unwrap().expose_secret().to_owned();
        Self {
            base: app.url.clone(),
            app: Arc::new(app),
            since: OffsetDateTime::now_utc(),
            _process: None,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            key,
        }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.base.join(&format!("auth/v1{path}")).unwrap()).header("apikey", &self.key)
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    async fn sign_up(&self, email: &str) -> Value {
        self.post("/signup", &json!({ "email": email, "password": PASSWORD })).await.ok()
    }

    async fn refresh(&self, token: &Value) -> Answer {
        self.post("/token?grant_type=refresh_token", &json!({ "refresh_token": token })).await
    }

    async fn user(&self, session: &Value) -> Answer {
        let token = session["access_token"].as_str().unwrap();
        Answer::of(self.request(Method::GET, "/user").bearer_auth(token).send().await.unwrap()).await
    }

    async fn log_out(&self, session: &Value, query: &str) -> u16 {
        let request = self
            .request(Method::POST, &format!("/logout{query}"))
            .bearer_auth(session["access_token"].as_str().unwrap());
        request.send().await.unwrap().status().as_u16()
    }

    async fn sign_in(&self, email: &str) -> Answer {
        self.post("/token?grant_type=password", &json!({ "email": email, "password": PASSWORD })).await
    }

    async fn get_as(&self, session: &Value, path: &str) -> Answer {
        self.send_as(session, Method::GET, path, &Value::Null).await
    }

    async fn send_as(&self, session: &Value, method: Method, path: &str, body: &Value) -> Answer {
        let token = session["access_token"].as_str().unwrap();
        let request = self.request(method, path).bearer_auth(token);
        let request = if body.is_null() { request } else { request.json(body) };
        Answer::of(request.send().await.unwrap()).await
    }

    /// The mails to an address, the newest first, once there are so many. They are sent behind the answer.
    async fn mails(&self, to: &str, count: usize) -> Vec<Mail> {
        for _ in 0..200 {
            let mails = self.kept(to);
            if mails.len() >= count {
                assert_eq!(mails.len(), count, "{mails:?}");
                return mails;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no {count} mails to {to}");
    }

    /// Another process of the same provider: its counts of tries begin anew, and it looks at new mails only.
    async fn restarted(&self) -> Self {
        let (config, db, mailer) = (&self.app.state.config, &self.app.state.db, &self.app.state.mailer);
        let crate::config::identity::Identity::Embedded(embedded) = &config.identity else { panic!("not embedded") };
        let issuer = format!("{}auth/v1", self.app.url);
        let process = super::LocalProvider::start(db, config, embedded, issuer, mailer).await.unwrap();
        Self {
            app: Arc::clone(&self.app),
            base: Url::parse(process.url()).unwrap(),
            http: self.http.clone(),
            key: self.key.clone(),
            since: OffsetDateTime::now_utc(),
            _process: Some(process),
        }
    }

    /// The other key, which only our own server has.
    async fn secret_key(&self) -> String {
        let folder = self.app.state.config.paths.data.join("identity");
        super::keys::load_or_make(&folder).await.unwrap().secret_key().expose_secret().to_owned()
    }

    /// Checks that none is under way to this address either.
    async fn no_mail(&self, to: &str) {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        assert!(self.kept(to).is_empty(), "{to} got a mail");
    }

    fn kept(&self, to: &str) -> Vec<Mail> {
        let kept = self.app.state.mailer.outbox().into_iter().filter(|kept| kept.at >= self.since);
        kept.map(|kept| kept.mail).filter(|mail| mail.to == to).collect()
    }

    /// The newest of so many mails, read.
    async fn letter(&self, to: &str, count: usize) -> Letter {
        Letter::read(&self.mails(to, count).await[0])
    }

    async fn verify(&self, body: &Value) -> Answer {
        self.post("/verify", body).await
    }

    /// Follows a link of the protocol's own without following where it leads.
    async fn open(&self, link: &Url) -> Landing {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let answer = http.get(link.clone()).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{answer:?}");
        let target = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let pairs = |text: Option<&str>| {
            url::form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect()
        };
        Landing { query: pairs(target.query()), fragment: pairs(target.fragment()), target }
    }

    async fn execute_with(&self, statement: &'static str, value: &str) {
        let mut sql = self.app.sql().await;
        sqlx::query(statement).bind(value).execute(&mut sql).await.unwrap();
        sql.close().await.unwrap();
    }

    async fn execute(&self, statement: &'static str) {
        let mut sql = self.app.sql().await;
        sqlx::query(statement).execute(&mut sql).await.unwrap();
        sql.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_sign_up_makes_a_session_of_the_shape_that_clients_read() {
    let gotrue = Gotrue::start().await;
    let body = json!({ "email": " Ada@Example.com ", "password": PASSWORD, "data": { "name": "Ada", "email": "other@example.com" }, "gotrue_meta_security": {} });
    let session = gotrue.post("/signup", &body).await.ok();
    assert_eq!((session["token_type"].as_str(), session["expires_in"].as_i64()), (Some("bearer"), Some(3600)));
    let expires_in = session["expires_at"].as_i64().unwrap() - time::OffsetDateTime::now_utc().unix_timestamp();
    assert!((3590..=3600).contains(&expires_in), "{expires_in}");
    let user = &session["user"];
    assert_eq!(
        (user["email"].as_str(), user["aud"].as_str(), user["role"].as_str()),
        (Some("ada@example.com"), Some("authenticated"), Some("authenticated"))
    );
    assert_eq!(user["app_metadata"], json!({ "provider": "email", "providers": ["email"] }));
    assert_eq!(
        (&user["user_metadata"]["name"], &user["user_metadata"]["email"]),
        (&json!("Ada"), &json!("ada@example.com"))
    );
    assert_eq!((&user["phone"], &user["is_anonymous"]), (&json!(""), &json!(false)));
    for moment in ["email_confirmed_at", "confirmed_at", "last_sign_in_at", "created_at", "updated_at"] {
        let text = user[moment].as_str().unwrap_or_else(|| panic!("{moment} is missing"));
        assert!(
            time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).is_ok(),
            "{moment}: {text}"
        );
    }
    let identity = &user["identities"][0];
    assert_eq!(
        (&identity["provider"], &identity["id"], &identity["user_id"]),
        (&json!("email"), &user["id"], &user["id"])
    );
    assert!(identity["identity_id"].is_string() && identity["identity_id"] != identity["id"]);
    assert!(user.get("encrypted_password").is_none());
    // The crate reads it too.
    let parsed: supabase_auth_rs::models::Session = serde_json::from_value(session.clone()).unwrap();
    assert_eq!(parsed.user.email, "ada@example.com");
    assert_eq!(gotrue.user(&session).await.ok(), session["user"]);

    let mut sql = gotrue.app.sql().await;
    let (email, name): (String, String) =
        sqlx::query_as("select email, display_name from public.users").fetch_one(&mut sql).await.unwrap();
    assert_eq!((email.as_str(), name.as_str()), ("ada@example.com", "ada"), "the trigger made the app's row");
    let (hash,): (String,) =
        sqlx::query_as("select encrypted_password from auth.users").fetch_one(&mut sql).await.unwrap();
    assert!(hash.starts_with("$argon2id$"), "{hash}");
    let (stored,): (Vec<u8>,) =
        sqlx::query_as("select token_hash from auth.refresh_tokens").fetch_one(&mut sql).await.unwrap();
    assert_ne!(stored, session["refresh_token"].as_str().unwrap().as_bytes());
}

#[tokio::test]
async fn what_cannot_sign_up_says_why() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    let post = async |body: Value| gotrue.post("/signup", &body).await;
    post(json!({ "email": "ADA@example.com", "password": PASSWORD })).await.is_error(422, "user_already_exists");
    let weak = post(json!({ "email": "bo@example.com", "password": "short" })).await;
    weak.is_error(422, "weak_password");
    assert_eq!(weak.body["weak_password"], json!({ "reasons": ["length"] }));
    post(json!({ "email": "bo@example.com", "password": "x".repeat(73) })).await.is_error(422, "validation_failed");
    post(json!({ "email": "bo@example.com" })).await.is_error(400, "validation_failed");
    post(json!({ "email": "no address", "password": PASSWORD })).await.is_error(400, "validation_failed");
    post(json!({ "email": "bo\u{0}@example.com", "password": PASSWORD })).await.is_error(400, "validation_failed");
    post(json!({ "email": "bo@example.com", "password": PASSWORD, "data": { "a": ["\u{0}"] } }))
        .await
        .is_error(400, "validation_failed");
    post(json!({ "email": 7, "password": PASSWORD })).await.is_error(400, "bad_json");
    post(json!({ "email": "bo@example.com", "password": PASSWORD, "data": [] })).await.is_error(400, "bad_json");
    post(json!({})).await.is_error(422, "anonymous_provider_disabled");
    post(json!({ "phone": "4712345678", "password": PASSWORD })).await.is_error(400, "phone_provider_disabled");
    let malformed = gotrue.request(Method::POST, "/signup").body("{").send().await.unwrap();
    Answer::of(malformed).await.is_error(400, "bad_json");
    let huge = gotrue
        .request(Method::POST, "/signup")
        .body(format!("{{\"email\":\"{}\"}}", "x".repeat(1024 * 1024)))
        .send()
        .await
        .unwrap();
    assert_eq!(huge.status(), 413);
}

#[tokio::test]
async fn of_two_sign_ups_at_once_one_wins() {
    let gotrue = Gotrue::start().await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let answers = futures::future::join_all((0..4).map(|_| gotrue.post("/signup", &body))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(|answer| answer.is_error(422, "user_already_exists"));
}

#[tokio::test]
async fn a_password_signs_in_and_a_wrong_one_tells_nothing() {
    let gotrue = Gotrue::start().await;
    let first = gotrue.sign_up("ada@example.com").await;
    let token = async |body: Value| gotrue.post("/token?grant_type=password", &body).await;
    let session = token(json!({ "email": "Ada@example.com", "password": PASSWORD })).await.ok();
    assert_eq!(session["user"]["id"], first["user"]["id"]);
    assert_ne!(session["refresh_token"], first["refresh_token"]);

    let wrong = token(json!({ "email": "ada@example.com", "password": "another password" })).await;
    let unknown = token(json!({ "email": "nobody@example.com", "password": "another password" })).await;
    let nonsense = token(json!({ "email": "no address \u{0}", "password": "another password" })).await;
    for refused in [&wrong, &unknown, &nonsense] {
        refused.is_error(400, "invalid_credentials");
        assert_eq!(refused.body, wrong.body);
    }
    gotrue.post("/token?grant_type=magic", &json!({})).await.is_error(400, "invalid_credentials");
    gotrue.post("/token", &json!({})).await.is_error(400, "invalid_credentials");
    token(json!({ "password": PASSWORD })).await.is_error(400, "validation_failed");

    gotrue.execute("update auth.users set banned_until = now() + interval '1 hour'").await;
    token(json!({ "email": "ada@example.com", "password": PASSWORD })).await.is_error(400, "user_banned");
    gotrue.user(&session).await.is_error(403, "user_banned");
    gotrue.refresh(&session["refresh_token"]).await.is_error(400, "user_banned");
    gotrue.execute("update auth.users set banned_until = null, email_confirmed_at = null").await;
    token(json!({ "email": "ada@example.com", "password": PASSWORD })).await.is_error(400, "email_not_confirmed");
}

#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    let mut times = [f64::MAX; 2];
    // The quickest of several, and more while the machine is busy with other things: they only add. Fewer rounds than
    // the account's limit allows, for a refusal is quick for both.
    for round in 0..25 {
        for (index, email) in ["ada@example.com", "nobody@example.com"].into_iter().enumerate() {
            let started = std::time::Instant::now();
            let body = json!({ "email": email, "password": "another password" });
            gotrue.post("/token?grant_type=password", &body).await.is_error(400, "invalid_credentials");
            times[index] = times[index].min(started.elapsed().as_secs_f64());
        }
        if round >= 3 && (0.6..1.7).contains(&(times[0] / times[1])) {
            return;
        }
    }
    panic!("known {} s, unknown {} s", times[0], times[1]);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_lost_answer_can_be_had_again() {
    let gotrue = Gotrue::start().await;
    let first = gotrue.sign_up("ada@example.com").await;
    let second = gotrue.refresh(&first["refresh_token"]).await.ok();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    // One step behind, at any time; and within ten seconds, however far behind.
    gotrue.execute("update auth.refresh_tokens set updated_at = now() - interval '1 hour'").await;
    assert_eq!(gotrue.refresh(&first["refresh_token"]).await.ok()["refresh_token"], second["refresh_token"]);
    let third = gotrue.refresh(&second["refresh_token"]).await.ok();
    let fourth = gotrue.refresh(&third["refresh_token"]).await.ok();
    assert_eq!(gotrue.refresh(&second["refresh_token"]).await.ok()["refresh_token"], fourth["refresh_token"]);
    gotrue.user(&fourth).await.ok();
    gotrue.refresh(&json!("made up")).await.is_error(400, "refresh_token_not_found");
    gotrue.refresh(&json!("")).await.is_error(400, "validation_failed");
}

#[tokio::test]
async fn a_copied_token_that_comes_back_ends_the_session_for_everyone() {
    let gotrue = Gotrue::start().await;
    let stolen = gotrue.sign_up("ada@example.com").await;
    let second = gotrue.refresh(&stolen["refresh_token"]).await.ok();
    let third = gotrue.refresh(&second["refresh_token"]).await.ok();
    let elsewhere = gotrue
        .post("/token?grant_type=password", &json!({ "email": "ada@example.com", "password": PASSWORD }))
        .await
        .ok();
    gotrue.execute("update auth.refresh_tokens set updated_at = now() - interval '11 seconds'").await;
    for token in [&stolen, &third, &second] {
        gotrue.refresh(&token["refresh_token"]).await.is_error(400, "refresh_token_already_used");
    }
    gotrue.user(&third).await.is_error(403, "session_not_found");
    gotrue.refresh(&elsewhere["refresh_token"]).await.ok();
}

#[tokio::test]
async fn many_refreshes_at_once_agree_on_one_token() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let answers = futures::future::join_all((0..20).map(|_| gotrue.refresh(&session["refresh_token"]))).await;
    let tokens: std::collections::BTreeSet<String> =
        answers.into_iter().map(|answer| answer.ok()["refresh_token"].to_string()).collect();
    assert_eq!(tokens.len(), 1);
}

#[tokio::test]
async fn a_session_that_is_over_is_not_refreshed() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    gotrue.execute("update auth.sessions set not_after = now() - interval '1 second'").await;
    gotrue.refresh(&session["refresh_token"]).await.is_error(400, "session_expired");
    gotrue.user(&session).await.is_error(403, "session_not_found");
    gotrue.execute("update auth.users set deleted_at = now()").await;
    gotrue.execute("update auth.sessions set not_after = null").await;
    gotrue.refresh(&session["refresh_token"]).await.is_error(400, "session_not_found");
    gotrue.user(&session).await.is_error(403, "user_not_found");
}

#[tokio::test]
async fn a_logout_ends_what_its_scope_says() {
    let gotrue = Gotrue::start().await;
    let sign_in = async || {
        gotrue
            .post("/token?grant_type=password", &json!({ "email": "ada@example.com", "password": PASSWORD }))
            .await
            .ok()
    };
    let (here, there) = (gotrue.sign_up("ada@example.com").await, sign_in().await);
    let other_person = gotrue.sign_up("bo@example.com").await;
    assert_eq!(gotrue.log_out(&here, "?scope=local").await, 204);
    gotrue.user(&here).await.is_error(403, "session_not_found");
    gotrue.refresh(&here["refresh_token"]).await.is_error(400, "refresh_token_not_found");
    gotrue.user(&there).await.ok();

    let here = sign_in().await;
    assert_eq!(gotrue.log_out(&here, "?scope=others").await, 204);
    gotrue.user(&there).await.is_error(403, "session_not_found");
    gotrue.user(&here).await.ok();
    assert_eq!(gotrue.log_out(&here, "?scope=everything").await, 400);
    let there = sign_in().await;
    assert_eq!(gotrue.log_out(&here, "").await, 204);
    for session in [&here, &there] {
        gotrue.user(session).await.is_error(403, "session_not_found");
    }
    assert_eq!(gotrue.log_out(&here, "").await, 403, "its session is gone");
    gotrue.user(&other_person).await.ok();
}

#[tokio::test]
async fn published_keys_verify_the_tokens() {
    let gotrue = Gotrue::start().await;
    let session = gotrue.sign_up("ada@example.com").await;
    let url = gotrue.app.url.join("auth/v1/.well-known/jwks.json").unwrap();
    let response = gotrue.http.get(url).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=600");
    let published: Value = response.json().await.unwrap();
    assert!(
        published["keys"].as_array().unwrap().iter().all(|key| key.get("d").is_none()),
        "a private key was published"
    );
    let keys: JwkSet = serde_json::from_value(published).unwrap();
    let token = session["access_token"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = DecodingKey::from_jwk(keys.find(header.kid.as_deref().unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["authenticated"]);
    let claims = jsonwebtoken::decode::<Value>(token, &key, &validation).unwrap().claims;
    assert_eq!((&claims["sub"], &claims["email"]), (&session["user"]["id"], &json!("ada@example.com")));
    assert_eq!(claims["iss"], format!("{}auth/v1", gotrue.app.url));
    assert_eq!(
        (&claims["aal"], &claims["amr"][0]["method"], &claims["role"]),
        (&json!("aal1"), &json!("password"), &json!("authenticated"))
    );
}

#[tokio::test]
async fn the_protocol_around_the_endpoints() {
    let gotrue = Gotrue::start().await;
    let url = |path: &str| gotrue.app.url.join(&format!("auth/v1{path}")).unwrap();
    let without_key = gotrue.http.get(url("/settings")).send().await.unwrap();
    assert_eq!(without_key.status(), 401);
    let wrong_key = gotrue.http.get(url("/settings")).header("apikey", "sb_publishable_wrong").send().await.unwrap();
    assert_eq!(wrong_key.status(), 401);
    assert!(
        gotrue.http.get(url(&format!("/settings?apikey={}", gotrue.key))).send().await.unwrap().status().is_success()
    );

    let request =
        gotrue.request(Method::POST, "/token?grant_type=password").header("x-supabase-api-version", "2024-01-01");
    let dated =
        Answer::of(request.json(&json!({ "email": "nobody@example.com", "password": "x" })).send().await.unwrap())
            .await;
    assert_eq!(dated.body, json!({ "code": "invalid_credentials", "message": "Invalid login credentials" }));
    assert_eq!(dated.headers["x-supabase-api-version"], "2024-01-01");
    assert_eq!(dated.headers["x-sb-error-code"], "invalid_credentials");

    let preflight = gotrue
        .http
        .request(Method::OPTIONS, url("/token"))
        .header("origin", "https://tool.example")
        .header("access-control-request-method", "POST");
    let preflight = preflight.header("access-control-request-headers", "apikey,x-client-info").send().await.unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://tool.example");
    assert!(preflight.headers()["access-control-allow-headers"].to_str().unwrap().contains("apikey"));
    let called =
        gotrue.request(Method::GET, "/settings").header("origin", "https://tool.example").send().await.unwrap();
    assert_eq!(called.headers()["access-control-allow-origin"], "https://tool.example");

    Answer::of(gotrue.request(Method::GET, "/user").send().await.unwrap()).await.is_error(401, "no_authorization");
    Answer::of(gotrue.request(Method::GET, "/user").bearer_auth("a.b.c").send().await.unwrap())
        .await
        .is_error(403, "bad_jwt");
    Answer::of(gotrue.request(Method::GET, "/nowhere").send().await.unwrap()).await.is_error(404, "not_found");
    assert_eq!(gotrue.request(Method::GET, "/signup").send().await.unwrap().status(), 405);
    let settings = Answer::of(gotrue.request(Method::GET, "/settings").send().await.unwrap()).await.ok();
    assert_eq!(
        (&settings["external"]["email"], &settings["mailer_autoconfirm"], &settings["disable_signup"]),
        (&json!(true), &json!(true), &json!(false))
    );
    let health = Answer::of(gotrue.request(Method::GET, "/health").send().await.unwrap()).await.ok();
    assert!(health["version"].is_string() && health["name"].is_string() && health["description"].is_string());
}

#[tokio::test]
async fn an_account_that_is_tried_too_often_has_to_wait() {
    let gotrue = Gotrue::start().await;
    gotrue.sign_up("ada@example.com").await;
    let attempt = async |email: &str| {
        gotrue.post("/token?grant_type=password", &json!({ "email": email, "password": "a wrong one" })).await
    };
    // The same for an account that is there and one that is not.
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut answers = futures::future::join_all((0..40).map(|_| attempt(email))).await;
        answers.push(attempt(email).await);
        let limited = answers.last().unwrap();
        limited.is_error(429, "over_request_rate_limit");
        assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    }
    gotrue
        .post("/token?grant_type=password", &json!({ "email": "ada@example.com", "password": PASSWORD }))
        .await
        .is_error(429, "over_request_rate_limit");
}

#[tokio::test]
async fn keys_are_private_and_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity");
    let made = futures::future::join_all((0..4).map(|_| super::keys::load_or_make(&path))).await;
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();
    let again = super::keys::load_or_make(&path).await.unwrap();
    for keys in &made {
        assert_eq!(keys.jwks(), again.jwks(), "all that start at once use the same keys");
        assert_eq!(keys.publishable_key().expose_secret(), again.publishable_key().expose_secret());
    }
    assert!(
        again.publishable_key().expose_secret().starts_with("sb_publishable_")
            && again.secret_key().expose_secret().starts_with("sb_secret_")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path.join("keys.json")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(std::fs::read_dir(&path).unwrap().count(), 1, "drafts are left over");
    assert!(!format!("{again:?}").contains(again.secret_key().expose_secret()));
}
