//! The server that is measured: this program, in a process and a folder of its own.

use super::Folder;
use crate::{allocator, fault::Fault};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    env,
    fs::File,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};
use url::Url;

const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(20);
/// Between two looks whether it is ready: the figure of its start is no finer.
const LOOK: Duration = Duration::from_millis(5);
const READY: &str = "Atelier is ready: ";
/// Lines of its log that tell why it did not start.
const TAIL: usize = 20;

pub(super) struct Server {
    process: Child,
    folder: Folder,
    site: Url,
    http: reqwest::Client,
    ready_after: Duration,
}

/// Somebody's workspace with a project.
pub(super) struct Workspace {
    site: Url,
    http: reqwest::Client,
    token: String,
    project: String,
}

impl Server {
    /// With everything embedded and nothing there yet.
    pub async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self, Fault> {
        Self::start_in(Folder::make()?, arguments, variables).await
    }

    /// On what is in the folder.
    pub async fn start_in(folder: Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self, Fault> {
        let log = folder.0.join("server.log");
        let mut command = Command::new(env::current_exe()?);
        command.arg("serve").args(arguments).env_clear().kill_on_drop(true);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?);
        // Where the models, Postgres and the site are; nothing else comes from outside.
        for name in ["PATH", "HOME", "XDG_CACHE_HOME", "ATELIER_CACHE_DIR", "LEPTOS_SITE_ROOT"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        // As the image has it.
        command.envs(allocator::SETTINGS);
        command.env("ATELIER_DATA_DIR", &folder.0).env("LEPTOS_SITE_ADDR", "127.0.0.1:0");
        command.envs(variables.iter().copied());
        let begun = Instant::now();
        let mut process = command.spawn()?;
        let http = reqwest::Client::new();
        let ready = async {
            let site = address(&mut process).await?;
            wait_until_ready(&http, &site).await?;
            Ok::<_, Fault>(site)
        };
        let ready = timeout(START, ready).await.map_err(Fault::while_doing("wait for the server"));
        let ready_after = begun.elapsed();
        let site = ready.flatten().inspect_err(|_| tell_of(&log))?;
        Ok(Self { process, folder, site, http, ready_after })
    }

    pub fn site(&self) -> &Url {
        &self.site
    }

    /// From the process' start until `/readyz` said that everything answers.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Of the server's process alone, without its Postgres.
    pub fn resident_kib(&self) -> Result<u64, Fault> {
        let id = self.process.id().unwrap_or_default();
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let kib = line.trim().trim_end_matches(" kB").parse();
        kib.map_err(Fault::while_doing("read the memory of a process"))
    }

    /// A new person's.
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

    /// As an operator stops it, so that its Postgres stops too. What it has stored is in the folder.
    pub async fn stop(mut self) -> Folder {
        if let Some(id) = self.process.id() {
            let asked = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
            if let Err(error) = asked {
                tracing::warn!(%error, "the server cannot be asked to stop");
            }
        }
        if timeout(STOP, self.process.wait()).await.is_err() {
            tracing::warn!("the server did not stop in time and is killed");
        }
        self.folder
    }
}

impl Workspace {
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The access token of its owner's session.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// As a browser sends the session, on plain http to this machine.
    pub fn cookie(&self) -> String {
        format!("atelier-access={}", self.token)
    }

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

    /// Sends a file chunk by chunk, as the pages do; the id of the document.
    pub async fn upload(&self, name: &str, content: &Bytes) -> Result<String, Fault> {
        let new = json!({ "name": name, "size_bytes": content.len() });
        let mut upload = self.post(&format!("api/v1/projects/{}/uploads", self.project), &new).await?;
        let address = join(&self.site, &format!("api/v1/uploads/{}", text(&upload, "id")))?;
        let chunk = upload["chunk_bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(1).max(1);
        for begin in (0..content.len()).step_by(chunk) {
            let part = content.slice(begin..content.len().min(begin + chunk));
            let sending = self.http.patch(address.clone()).bearer_auth(&self.token).body(part);
            let sending = sending.header("content-type", "application/offset+octet-stream");
            upload = answer(sending.header("upload-offset", begin)).await?;
        }
        Ok(text(&upload, "document_id"))
    }

    /// What the API answers, whose body may go on for long.
    pub async fn get(&self, path: &str) -> Result<reqwest::Response, Fault> {
        let asked = self.http.get(join(&self.site, path)?).bearer_auth(&self.token);
        let response = asked.send().await.and_then(reqwest::Response::error_for_status);
        response.map_err(Fault::while_doing("ask the server"))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Fault> {
        answer(self.http.post(join(&self.site, path)?).bearer_auth(&self.token).json(body)).await
    }
}

/// What the server prints when it listens. The rest of what it prints goes nowhere.
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

async fn wait_until_ready(http: &reqwest::Client, site: &Url) -> Result<(), Fault> {
    let address = join(site, "readyz")?;
    loop {
        let response = http.get(address.clone()).send().await;
        if response.is_ok_and(|response| response.status().is_success()) {
            return Ok(());
        }
        sleep(LOOK).await;
    }
}

/// The folder with the log goes when the server does.
fn tell_of(log: &Path) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(TAIL)..] {
        tracing::warn!("the server's log: {line}");
    }
}

pub(super) fn join(site: &Url, path: &str) -> Result<Url, Fault> {
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
