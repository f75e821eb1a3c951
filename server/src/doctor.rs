//! `atelier doctor`: one line for each thing that Atelier depends on, and how to mend what fails. It migrates no
//! database but the embedded one, and makes no bucket. Embedded parts that do not run are started for as long as it looks.

mod supabase;

pub(crate) use supabase::tables;

use crate::{
    ai,
    auth::Identity,
    config::{Config, chat::Chat, embed::Embed, store::Store},
    db::Db,
    embedded::parts::EmbeddedParts,
    http::health::{self, PartState},
    mail::Mailer,
    startup,
    storage::ObjectStore,
};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, path::Path, time::Duration};
use time::OffsetDateTime;

/// By how much clocks may differ: tokens are let through at ten seconds, the store's signatures at fifteen minutes.
const CLOCK_LIMIT: time::Duration = time::Duration::seconds(5);

/// The lines, in the order in which they were found.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<Line>,
    /// What mends the database, each a whole file.
    sql: Vec<&'static str>,
}

#[derive(Debug)]
struct Line {
    well: bool,
    what: &'static str,
    found: String,
}

impl Report {
    pub fn is_well(&self) -> bool {
        self.lines.iter().all(|line| line.well)
    }

    fn ok(&mut self, what: &'static str, found: impl Into<String>) {
        self.lines.push(Line { well: true, what, found: found.into() });
    }

    fn failed(&mut self, what: &'static str, found: impl Into<String>) {
        self.lines.push(Line { well: false, what, found: found.into() });
    }

    fn add(&mut self, what: &'static str, found: Result<String, String>) {
        match found {
            Ok(found) => self.ok(what, found),
            Err(found) => self.failed(what, found),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { well, what, found } in &self.lines {
            // One line each, whatever a library's message looks like.
            let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(f, "{}  {what:<13} {found}", if *well { "ok    " } else { "FAILED" })?;
        }
        if !self.sql.is_empty() {
            writeln!(
                f,
                "\nThis SQL mends the database. Run it as the owner of Atelier's tables; on Supabase, in the SQL editor:"
            )?;
        }
        for sql in &self.sql {
            write!(f, "\n{sql}")?;
        }
        Ok(())
    }
}

/// Looks at everything; takes some seconds, or longer when an embedded part must be fetched first.
pub async fn examine(config: &Config) -> Report {
    let mut report = Report::default();
    report.ok("configuration", format!("{:?}, at {}", config.environment, config.site.public_url));
    match EmbeddedParts::start(config).await {
        Ok(embedded) => {
            examine_stores(config, &embedded, &mut report).await;
            embedded.stop().await;
        }
        Err(error) => report.failed("embedded", error.to_string()),
    }
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build();
    match client {
        Ok(client) => {
            report.add("embeddings", embeddings(&client, &config.embed, &config.paths.cache).await);
            report.add("chat model", chat(&client, &config.chat).await);
        }
        Err(error) => report.failed("HTTP client", error.to_string()),
    }
    report.add("site", site(&config.site.root));
    report
}

async fn examine_stores(config: &Config, embedded: &EmbeddedParts, report: &mut Report) {
    let kind = |is_embedded: bool| if is_embedded { "embedded" } else { "configured" };
    let database_kind = kind(config.database.url.is_none());
    let store = ObjectStore::new(embedded.store());
    let connected = startup::connect(embedded, 3).await;
    let db = match connected {
        Ok(db) => db,
        Err(error) => {
            report.failed(
                "postgres",
                format!("{database_kind}: {error}: check host, port, user and password in DATABASE_URL"),
            );
            let found = store.check().await.map(|()| "reachable".to_owned()).map_err(|fault| fault.to_string());
            report.add("object store", found);
            report.failed("identity", "not looked at, because the database does not answer");
            return;
        }
    };
    match Identity::start(config, &db, &Mailer::default()).await {
        Ok(identity) => {
            if config.database.url.is_none()
                && let Err(error) = db.migrate().await
            {
                report.failed("migrations", error.to_string());
            }
            let parts = health::examine(&db, &store, &identity).await;
            for (name, part) in parts {
                let (what, kind) = match name {
                    "object_store" => ("object store", kind(matches!(config.store, Store::Embedded { .. }))),
                    "identity" => ("identity", kind(config.identity.is_embedded())),
                    "postgres" => ("postgres", database_kind),
                    "pgvector" => ("pgvector", database_kind),
                    "search_index" => ("search index", database_kind),
                    _ => ("migrations", database_kind),
                };
                let version = part.version.unwrap_or_else(|| "reachable".to_owned());
                if part.state == PartState::Ok {
                    report.ok(what, format!("{version} ({kind}, {} ms)", part.latency_ms));
                } else {
                    report.failed(what, format!("{kind}: {}", part.problem.unwrap_or_default()));
                }
            }
            identity.stop();
        }
        Err(fault) => report.failed("identity", fault.to_string()),
    }
    report.add("clock", clock(&db).await);
    examine_schema(&db, report).await;
    db.close().await;
}

async fn clock(db: &Db) -> Result<String, String> {
    let mut system = db.system().await.map_err(|fault| fault.to_string())?;
    let asked = OffsetDateTime::now_utc();
    let theirs = sqlx::query_scalar("select clock_timestamp()").fetch_one(system.conn()).await;
    let theirs: OffsetDateTime = theirs.map_err(|error| error.to_string())?;
    // The database looked at its clock somewhere between question and answer.
    let ours = asked + (OffsetDateTime::now_utc() - asked) / 2;
    compare_clocks(ours, theirs)
}

fn compare_clocks(ours: OffsetDateTime, theirs: OffsetDateTime) -> Result<String, String> {
    let ahead = ours - theirs;
    if ahead.abs() <= CLOCK_LIMIT {
        return Ok("as the database's".to_owned());
    }
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    Err(format!(
        "this machine's clock is {} s {side} the database's, so tokens count too long or not at all, and the object store \
         refuses signatures: have the clock set by the network (`timedatectl set-ntp true` on the host)",
        ahead.whole_seconds().abs()
    ))
}

async fn examine_schema(db: &Db, report: &mut Report) {
    let findings = match db.system().await {
        Ok(mut system) => supabase::examine(system.conn()).await.map_err(|error| error.to_string()),
        Err(fault) => Err(fault.to_string()),
    };
    match findings {
        Ok(findings) => {
            for finding in findings {
                report.sql.extend(finding.sql);
                report.add(finding.what, finding.found);
            }
        }
        Err(error) => report.failed("schema", error),
    }
}

async fn embeddings(client: &reqwest::Client, config: &Embed, cache: &Path) -> Result<String, String> {
    match config {
        Embed::Local => ai::embed::local_model(cache).map(|place| format!("all-MiniLM-L6-v2, {place}")),
        Embed::Folder(folder) => {
            let missing = ["model.safetensors", "tokenizer.json", "config.json"]
                .into_iter()
                .find(|file| !folder.join(file).is_file());
            match missing {
                Some(file) => Err(format!("{} has no {file}: correct EMBEDDING_MODEL_DIR", folder.display())),
                None => Ok(format!("the model in {}", folder.display())),
            }
        }
        Embed::Remote(model) => {
            reach(client, &model.base_url, model.api_key.as_ref(), &model.model, "EMBEDDING_").await
        }
    }
}

async fn chat(client: &reqwest::Client, config: &Chat) -> Result<String, String> {
    match config {
        Chat::Extractive => {
            Ok("none configured: the built-in extractive answerer; set LLM_API_KEY for a language model".to_owned())
        }
        Chat::Model(model) => reach(client, &model.base_url, model.api_key.as_ref(), &model.model, "LLM_").await,
    }
}

/// Asks an OpenAI-compatible API for its models, which costs nothing.
async fn reach(
    client: &reqwest::Client,
    base: &url::Url,
    key: Option<&SecretString>,
    model: &str,
    prefix: &str,
) -> Result<String, String> {
    let url = format!("{}/models", base.as_str().trim_end_matches('/'));
    let mut request = client.get(&url);
    if let Some(key) = key {
        request = request.bearer_auth(key.expose_secret());
    }
    let answer =
        request.send().await.map_err(|error| format!("{base} does not answer ({error}): check {prefix}BASE_URL"))?;
    match answer.status().as_u16() {
        401 | 403 => Err(format!("{base} refuses the key: check {prefix}API_KEY")),
        // Some servers have no list of models.
        200..=299 | 404 | 405 => Ok(format!("{model} at {base}")),
        status => Err(format!("{base} answered {status}: check {prefix}BASE_URL")),
    }
}

fn site(root: &Path) -> Result<String, String> {
    if root.join("pkg").is_dir() {
        Ok(format!("built, in {}", root.display()))
    } else {
        Err(format!("{} has no built site: type `cargo xtask build`, or set LEPTOS_SITE_ROOT", root.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_named_with_its_side() {
        let theirs = OffsetDateTime::UNIX_EPOCH;
        for seconds in [-5, 0, 5] {
            assert!(compare_clocks(theirs + time::Duration::seconds(seconds), theirs).is_ok(), "{seconds}");
        }
        for (seconds, said) in [(-42, "42 s behind"), (90, "90 s ahead of")] {
            let found = compare_clocks(theirs + time::Duration::seconds(seconds), theirs);
            assert!(found.is_err_and(|found| found.contains(said)), "{seconds}");
        }
    }

    #[test]
    fn one_failure_makes_the_report_ill_and_each_line_stays_one() {
        let mut report = Report::default();
        report.ok("postgres", "18.4");
        assert!(report.is_well());
        report.failed("object store", "no\nanswer");
        assert!(!report.is_well());
        assert_eq!(report.to_string().lines().count(), 2);
        report.sql.push("select 1;\n");
        assert!(report.to_string().ends_with("\n\nselect 1;\n"));
    }
}
