//! Somebody who sends requests.

use super::Form;
use reqwest::{Method, RequestBuilder, header};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

const PASSWORD: &str = "a long enough password";

/// What signing up gives.
pub(super) struct Session {
    access_token: String,
    user_id: Uuid,
}

/// Signs up with the real provider.
pub(super) async fn sign_up(site: &Url, key: &SecretString, name: &str) -> Session {
    session(site, "signup", key, name).await
}

/// Signs in with the real provider.
pub(super) async fn sign_in(site: &Url, key: &SecretString, name: &str) -> Session {
    session(site, "token?grant_type=password", key, name).await
}

async fn session(site: &Url, way: &str, key: &SecretString, name: &str) -> Session {
    let answer = reqwest::Client::new()
        .post(site.join(&format!("auth/v1/{way}")).expect("a URL"))
        .header("apikey", key.expose_secret())
        .json(&json!({ "email": format!("{name}@example.com"), "password": PASSWORD }))
        .send()
        .await
        .expect("the identity provider answers");
    let status = answer.status();
    let session: Value = answer.json().await.expect("a session");
    assert!(status.is_success(), "{way} of {name}: {status} {session}");
    Session {
        access_token: session["access_token"].as_str().expect("an access token").to_owned(),
        user_id: session["user"]["id"].as_str().and_then(|id| id.parse().ok()).expect("a user's id"),
    }
}

/// One person, or nobody in particular.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    site: Url,
    token: Option<String>,
    user_id: Option<Uuid>,
}

impl Client {
    pub(super) fn new(site: Url, session: Option<Session>) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let user_id = session.as_ref().map(|session| session.user_id);
        Self { http, site, token: session.map(|session| session.access_token), user_id }
    }

    /// The same site, asked with another token or an API key.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Of somebody who has signed up.
    pub fn user_id(&self) -> Uuid {
        self.user_id.expect("somebody who has signed up")
    }

    /// The session as a browser of this machine keeps it, of somebody who has signed up.
    pub fn cookie(&self) -> String {
        format!("atelier-access={}", self.token.as_deref().expect("somebody who has signed up"))
    }

    /// The same person at another server of the same database.
    pub fn at(&self, site: &Url) -> Self {
        Self { site: site.clone(), ..self.clone() }
    }

    /// A request to be shaped further; see [`Client::send`].
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.site.join(path).expect("a path"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub async fn post_form(&self, path: &str, form: &Form) -> Answer {
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, form.content_type());
        self.send(request.body(form.body())).await
    }

    /// Makes a workspace and returns its id.
    pub async fn new_workspace(&self, name: &str) -> Uuid {
        self.post("/api/v1/workspaces", &json!({ "name": name })).await.id()
    }

    /// Invites `guest` by their address `{name}@example.com` and has them accept; returns the new membership's id.
    pub async fn add_member(&self, workspace: Uuid, guest: &Self, name: &str, role: &str) -> Uuid {
        let invitation = json!({ "email": format!("{name}@example.com"), "role": role });
        let invited: Value =
            self.post(&format!("/api/v1/workspaces/{workspace}/invitations"), &invitation).await.json(201);
        let token = invited["link"].as_str().and_then(|link| link.rsplit('/').next()).expect("a link").to_owned();
        guest.post("/api/v1/invitations/accept", &json!({ "token": token })).await.expect(200);
        let members: Value = self.get(&format!("/api/v1/workspaces/{workspace}/members?limit=100")).await.json(200);
        let user = guest.user_id().to_string();
        let member = members["items"].as_array().expect("members").iter().find(|member| member["user_id"] == user);
        member.and_then(|member| member["id"].as_str()?.parse().ok()).expect("the new member")
    }

    /// Makes an API key and returns its id and its token.
    pub async fn new_api_key(&self, workspace: Uuid, scope: &str) -> (Uuid, String) {
        let key = json!({ "name": "Import", "scope": scope });
        let made: Value = self.post(&format!("/api/v1/workspaces/{workspace}/api-keys"), &key).await.json(201);
        let id = made["key"]["id"].as_str().and_then(|id| id.parse().ok()).expect("a key's id");
        (id, made["token"].as_str().expect("a token").to_owned())
    }

    /// Shares a document and returns the share's id and the path of its link.
    pub async fn new_share(&self, document: Uuid) -> (Uuid, String) {
        let made: Value = self.post(&format!("/api/v1/documents/{document}/shares"), &json!({})).await.json(201);
        let id = made["share"]["id"].as_str().and_then(|id| id.parse().ok()).expect("a share's id");
        let link = Url::parse(made["link"].as_str().expect("a link")).expect("a URL");
        (id, link.path().to_owned())
    }

    /// Makes a project and returns its id.
    pub async fn new_project(&self, workspace: Uuid, name: &str) -> Uuid {
        self.post(&format!("/api/v1/workspaces/{workspace}/projects"), &json!({ "name": name })).await.id()
    }

    /// Makes a folder and returns its id.
    pub async fn new_folder(&self, project: Uuid, parent: Option<Uuid>, name: &str) -> Uuid {
        let folder = json!({ "name": name, "parent_id": parent });
        self.post(&format!("/api/v1/projects/{project}/folders"), &folder).await.id()
    }

    /// Adds a document of text and returns its id.
    pub async fn new_document(&self, project: Uuid, name: &str, text: &str) -> Uuid {
        self.new_document_in(project, None, name, text).await
    }

    /// Adds a document to a folder.
    pub async fn new_document_in(&self, project: Uuid, folder: Option<Uuid>, name: &str, text: &str) -> Uuid {
        let form = Form::new().file(name, text.as_bytes());
        let folder = folder.map(|folder| format!("?folder={folder}")).unwrap_or_default();
        let path = format!("/api/v1/projects/{project}/documents{folder}");
        let made = self.post_form(&path, &form).await.json::<Value>(201);
        made[0]["id"].as_str().and_then(|id| id.parse().ok()).expect("a document's id")
    }
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub body: bytes::Bytes,
}

impl Answer {
    async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        Self { status, headers, body: response.bytes().await.expect("a body") }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body, after a check of the status.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self, status: u16) -> T {
        self.expect(status);
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as a problem, after a check that it is one.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Value {
        let problem: Value = self.json(status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/api/docs#problem-")), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }

    /// The id of what was made.
    #[track_caller]
    pub fn id(&self) -> Uuid {
        self.json::<Value>(201)["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }
}
