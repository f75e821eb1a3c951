//! The server that is measured: this program, in a process and a folder of its own.

use super::{super::Folder, provider::Provider};
use crate::fault::Fault;
use serde_json::{Value, json};
use std::{env, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use url::Url;

const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(20);
const READY: &str = "Atelier is ready: ";

pub(super) struct Server {
    process: Child,
    folder: Folder,
    site: Url,
    http: reqwest::Client,
}

/// Somebody's workspace with a project.
pub(super) struct Workspace {
    site: Url,
    http: reqwest::Client,
    token: String,
    project: String,
}

impl Server {
    pub async fn start(provider: &Provider) -> Result<Self, Fault> {
        let folder = Folder::make()?;
        let mut command = Command::new(env::current_exe()?);
        command.arg("serve").env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        // Where the models and Postgres are; nothing else comes from outside.
        for name in ["PATH", "HOME", "XDG_CACHE_HOME", "ATELIER_CACHE_DIR"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("ATELIER_DATA_DIR", &folder.0)
            .env("LEPTOS_SITE_ADDR", "127.0.0.1:0")
            .env("LLM_BASE_URL", provider.base_url())
            .env("LLM_MODEL", "measured");
        let mut process = command.spawn()?;
        let site = timeout(START, address(&mut process)).await.map_err(Fault::while_doing("wait for the server"))??;
        Ok(Self { process, folder, site, http: reqwest::Client::new() })
    }

    /// Of the server's process alone, without its Postgres.
    pub fn resident_kib(&self) -> Result<u64, Fault> {
        let id = self.process.id().unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kib = line.trim().trim_end_matches(" kB").parse();
        kib.map_err(Fault::while_doing("read the memory of a process"))
    }

    pub async fn workspace(&self) -> Result<Workspace, Fault> {
        let keys = std::fs::read_to_string(self.folder.0.join("identity/keys.json"))?;
        let keys: Value =
            serde_json::from_str(&keys).map_err(Fault::while_doing("read the identity provider's keys"))?;
        let person = json!({ "email": "ada@example.com", "password": "two hundred streams" });
        let sign_up = self.http.post(join(&self.site, "auth/v1/signup")?).json(&person);
        let session = answer(sign_up.header("apikey", keys["publishable_key"].as_str().unwrap_or_default())).await?;
        let mut workspace = Workspace {
            site: self.site.clone(),
            http: self.http.clone(),
            token: text(&session, "access_token"),
            project: String::new(),
        };
        let made = workspace.post("api/v1/workspaces", &json!({ "name": "Nord" })).await?;
        let path = format!("api/v1/workspaces/{}/projects", text(&made, "id"));
        workspace.project = text(&workspace.post(&path, &json!({ "name": "Launch" })).await?, "id");
        Ok(workspace)
    }

    /// As an operator stops it, so that its Postgres stops too.
    pub async fn stop(mut self) {
        if let Some(id) = self.process.id() {
            let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            if let Err(error) = asked {
                tracing::warn!(%error, "the server cannot be asked to stop");
            }
        }
        if timeout(STOP, self.process.wait()).await.is_err() {
            tracing::warn!("the server did not stop in time and is killed");
        }
    }
}

impl Workspace {
    /// A new conversation's id.
    pub async fn conversation(&self) -> Result<String, Fault> {
        let path = format!("api/v1/projects/{}/conversations", self.project);
        Ok(text(&self.post(&path, &json!({})).await?, "id"))
    }

    /// The id of the answer.
    pub async fn ask(&self, conversation: &str) -> Result<String, Fault> {
        let path = format!("api/v1/conversations/{conversation}/messages");
        let asked = self.post(&path, &json!({ "text": "What is new?" })).await?;
        Ok(text(&asked["answer"], "id"))
    }

    pub async fn events(&self, answer: &str) -> Result<reqwest::Response, Fault> {
        let address = join(&self.site, &format!("api/v1/messages/{answer}/events"))?;
        let response = self.http.get(address).bearer_auth(&self.token).send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        response.map_err(Fault::while_doing("follow an answer"))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        answer(self.http.post(join(&self.site, path)?).bearer_auth(&self.token).json(body)).await
    }
}

/// What the server prints when it is ready. The rest of what it prints goes on to where ours goes.
async fn address(process: &mut Child) -> Result<Url, Fault> {
    let Some(output) = process.stdout.take() else {
        return Err(Fault::while_doing("start the server")("it has no output"));
    };
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix(READY) {
            let address = address.trim().parse();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return address.map_err(Fault::while_doing("read the server's address"));
        }
    }
    Err(Fault::while_doing("start the server")("it ended before it was ready"))
}

fn join(site: &Url, path: &str) -> Result<Url, Fault> {
    site.join(path).map_err(Fault::while_doing("make an address"))
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, Fault> {
    let response = request.send().await.and_then(reqwest::Response::error_for_status);
    let response = response.map_err(Fault::while_doing("ask the server"))?;
    response.json().await.map_err(Fault::while_doing("read the server's answer"))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}
