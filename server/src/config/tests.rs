#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::collections::HashMap;

const PRODUCTION: &[(&str, &str)] = &[
    ("ATELIER_ENV", "production"),
    ("ATELIER_PUBLIC_URL", "https://atelier.example.com"),
    ("DATABASE_URL", "postgres://postgres.abc:hunter2@aws-0.pooler.supabase.com:5432/postgres?sslmode=verify-full"),
    ("SUPABASE_URL", "https://abc.supabase.co"),
    ("SUPABASE_PUBLISHABLE_KEY", "sb_publishable_hunter2"),
    ("SUPABASE_SECRET_KEY", "sb_secret_hunter2"),
    ("SUPABASE_JWT_SECRET", "hunter2-jwt"),
    ("R2_ENDPOINT", "https://account.r2.cloudflarestorage.com"),
    ("R2_ACCESS_KEY", "access"),
    ("R2_SECRET_KEY", "hunter2"),
    ("R2_BUCKET", "atelier"),
    ("BACKUP_S3_ENDPOINT", "https://backups.example.com"),
    ("BACKUP_S3_ACCESS_KEY", "access"),
    ("BACKUP_S3_SECRET_KEY", "hunter2"),
    ("LLM_API_KEY", "sk-hunter2"),
    ("TAVILY_API_KEY", "tvly-hunter2"),
    ("EMBEDDING_BASE_URL", "https://api.example.com/v1"),
    ("EMBEDDING_API_KEY", "hunter2"),
    ("EMBEDDING_MODEL", "embed-large"),
    ("EMBEDDING_DIMENSIONS", "1024"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example.com"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20hunter2"),
];

fn read(variables: &[(&str, &str)]) -> Result<Config, Mistakes> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::read(&|name| variables.get(name).map(|value| (*value).to_owned()))
}

fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    PRODUCTION
        .iter()
        .copied()
        .filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name))
        .chain(changes.iter().copied())
        .collect()
}

/// The variables that are complained about.
fn wrong(variables: &[(&str, &str)]) -> Vec<&'static str> {
    read(variables)
        .err()
        .map(|mistakes| mistakes.0.iter().map(|mistake| mistake.variable).collect())
        .unwrap_or_default()
}

/// What is said about the only mistake.
fn complaint(variables: &[(&str, &str)]) -> String {
    let mistakes = read(variables).unwrap_err().0;
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    mistakes[0].fix.clone()
}

#[test]
fn nothing_configured_means_everything_embedded() {
    let config = read(&[("HOME", "/home/ada")]).unwrap();
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.site.public_url.as_str(), "http://127.0.0.1:3000/");
    assert!(config.database.url.is_none());
    assert!(matches!(config.store, store::Store::Embedded { .. }));
    assert!(matches!(config.identity, identity::Identity::Embedded(_)));
    assert!(matches!(config.chat, chat::Chat::Extractive));
    assert_eq!((config.tools.max_iterations, config.tools.web_search.is_none()), (8, true));
    assert!(matches!(config.embed, embed::Embed::Local));
    assert_eq!(config.limits.max_upload_bytes, 200 * 1024 * 1024);
    assert!(config.paths.data.is_absolute() && config.paths.data.ends_with(".atelier"));
    assert_eq!(config.paths.cache, std::path::Path::new("/home/ada/.cache/atelier"));
    assert_eq!(config.log.format, log::LogFormat::Text);
    assert!(config.log.access);
    assert!(config.telemetry.metrics.is_none() && config.telemetry.traces.is_none());
}

#[test]
fn figures_have_a_port_of_their_own() {
    let metrics = |value| read(&[("METRICS_ADDR", value)]).unwrap().telemetry.metrics;
    assert_eq!(metrics("0.0.0.0:9464"), Some("0.0.0.0:9464".parse().unwrap()));
    for bad in ["9464", "0.0.0.0", "0.0.0.0:3000"] {
        assert_eq!(wrong(&[("METRICS_ADDR", bad)]), ["METRICS_ADDR"], "{bad}");
    }
}

#[test]
fn traces_go_where_the_standards_variables_say() {
    let traces = |more: &[(&'static str, &'static str)]| {
        let all: Vec<_> =
            [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")].iter().chain(more).copied().collect();
        read(&all).map(|config| config.telemetry.traces.unwrap())
    };
    let default = traces(&[]).unwrap();
    assert_eq!((default.service.as_str(), default.headers.len()), ("atelier", 0));
    assert_eq!(default.sampler, telemetry::Sampler { share: 1.0, parent_based: true });
    let set = traces(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20key, x-tenant=a=b"),
        ("OTEL_SERVICE_NAME", "studio"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ])
    .unwrap();
    let headers: Vec<_> =
        set.headers.iter().map(|(name, value)| (name.as_str(), secrecy::ExposeSecret::expose_secret(value))).collect();
    assert_eq!(headers, [("authorization", "Bearer key"), ("x-tenant", "a=b")]);
    assert_eq!(set.service, "studio");
    assert_eq!(set.sampler, telemetry::Sampler { share: 0.25, parent_based: false });
    for (name, bad) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "nothing"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%0Ab"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("OTEL_TRACES_SAMPLER_ARG", "half"),
    ] {
        let mistakes = traces(&[(name, bad)]).unwrap_err().0;
        assert_eq!(mistakes.iter().map(|mistake| mistake.variable).collect::<Vec<_>>(), [name], "{bad}");
    }
    for bad in ["collector:4318", "grpc://collector:4317", "http://u:hunter2@collector:4318", "http://collector/?a=b"] {
        assert_eq!(wrong(&[("OTEL_EXPORTER_OTLP_ENDPOINT", bad)]), ["OTEL_EXPORTER_OTLP_ENDPOINT"], "{bad}");
    }
}

#[test]
fn a_whole_production_configuration_is_understood() {
    let config = read(PRODUCTION).unwrap();
    assert!(config.site.is_https() && !config.site.is_local());
    assert_eq!(config.log.format, log::LogFormat::Json);
    assert!(matches!(config.store, store::Store::S3(store::S3 { ref bucket, .. }) if bucket == "atelier"));
    assert!(matches!(config.embed, embed::Embed::Remote(embed::RemoteModel { dimensions: 1024, .. })));
    let chat::Chat::Model(model) = config.chat else { panic!("a model is configured") };
    assert_eq!((model.base_url.as_str(), model.model.as_str()), ("https://openrouter.ai/api/v1", "openrouter/auto"));
    assert!(database::connect_options(&config.database.url.unwrap()).is_ok());
}

#[test]
fn no_secret_is_ever_shown() {
    let config = read(PRODUCTION).unwrap();
    for shown in [format!("{config:?}"), format!("{config:#?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let all_wrong: Vec<_> =
        PRODUCTION.iter().map(|(name, _)| (*name, "hunter2://hunter2:hunter2@x?hunter2#hunter2")).collect();
    let shown = read(&all_wrong).unwrap_err().to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn production_names_everything_that_is_missing_at_once() {
    let missing = wrong(&[("ATELIER_ENV", "production")]);
    let required: Vec<_> = variables::VARIABLES
        .iter()
        .filter(|variable| variable.required_in_production)
        .map(|variable| variable.name)
        .collect();
    assert_eq!(required.len(), 8);
    for name in required {
        assert!(missing.contains(&name), "{name} in {missing:?}");
    }
}

#[test]
fn all_mistakes_are_reported_together() {
    let found = wrong(&with(&[
        ("LEPTOS_SITE_ADDR", "3000"),
        ("ATELIER_MAX_UPLOAD_MB", "0"),
        ("CHAT_MAX_ITERATIONS", "0"),
        ("R2_ENDPOINT", "http://store.example.com"),
        ("ATELIER_LOG_FORMAT", "xml"),
        ("ATELIER_ACCESS_LOG", "maybe"),
        ("ATELIER_TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("LOG", "info,,server=loud"),
    ]));
    for name in [
        "LEPTOS_SITE_ADDR",
        "ATELIER_MAX_UPLOAD_MB",
        "CHAT_MAX_ITERATIONS",
        "R2_ENDPOINT",
        "ATELIER_LOG_FORMAT",
        "ATELIER_ACCESS_LOG",
        "ATELIER_TRUSTED_PROXIES",
        "LOG",
    ] {
        assert!(found.contains(&name), "{name} in {found:?}");
    }
}

#[test]
fn the_transaction_pooler_is_refused_with_the_right_string() {
    let said = complaint(&with(&[("DATABASE_URL", "postgres://u:hunter2@aws-0.pooler.supabase.com:6543/postgres")]));
    assert!(said.contains("Session pooler") && said.contains("5432"), "{said}");
    assert_eq!(wrong(&[("DATABASE_URL", "mysql://localhost/x")]), ["DATABASE_URL"]);
}

#[test]
fn a_part_of_a_group_asks_for_the_rest() {
    assert_eq!(
        wrong(&[("R2_BUCKET", "atelier"), ("R2_ENDPOINT", "https://x.example.com")]),
        ["R2_ACCESS_KEY", "R2_SECRET_KEY"]
    );
    assert_eq!(wrong(&[("SUPABASE_URL", "https://abc.supabase.co")]), ["SUPABASE_PUBLISHABLE_KEY"]);
    assert_eq!(wrong(&[("SUPABASE_ANON_KEY", "eyJ")]), ["SUPABASE_URL"]);
    assert_eq!(wrong(&[("EMBEDDING_BASE_URL", "https://x.example.com")]), ["EMBEDDING_MODEL", "EMBEDDING_DIMENSIONS"]);
    assert_eq!(wrong(&[("EMBEDDING_MODEL", "m")]), ["EMBEDDING_MODEL"]);
    assert_eq!(wrong(&[("LLM_MODEL", "m")]), ["LLM_API_KEY"]);
    assert_eq!(wrong(&[("LLM_BASE_URL", "http://localhost:11434/v1")]), ["LLM_MODEL"]);
    assert_eq!(wrong(&[("TAVILY_BASE_URL", "https://x.example.com")]), ["TAVILY_API_KEY"]);
}

#[test]
fn models_prices_and_windows_are_read_or_refused() {
    let of = |name, value| wrong(&with(&[(name, value)]));
    let config = read(&with(&[
        ("LLM_MODEL", "a/large"),
        ("CHAT_MODELS", "a/small, a/large,"),
        ("CHAT_PRICES", "a/small=0.15/0.6, ft:x=2.5/10"),
    ]))
    .unwrap()
    .models;
    let name = |name| domain::models::ModelName::parse("model", name).unwrap();
    assert_eq!((config.default, config.context_tokens), (Some(name("a/large")), 128_000));
    assert_eq!(config.allowed, [name("a/small"), name("a/large")]);
    let small = domain::models::Prices { prompt: 150_000, completion: 600_000 };
    assert_eq!((config.prices.len(), config.prices.get(&name("a/small"))), (2, Some(&small)));
    assert_eq!(read(&[]).unwrap().models.default, None);

    assert_eq!(of("LLM_MODEL", "two words"), ["LLM_MODEL"]);
    assert_eq!(of("CHAT_MODELS", "a, b c"), ["CHAT_MODELS"]);
    for bad in ["a", "a=1", "a=1/x", "a=-1/2", "a=1/inf", "=1/2", "a=1/2/3", "a=1/2;b=1/2"] {
        assert_eq!(of("CHAT_PRICES", bad), ["CHAT_PRICES"], "{bad}");
    }
    for bad in ["999", "many"] {
        assert!(of("CHAT_CONTEXT", bad).contains(&"CHAT_CONTEXT"), "{bad}");
    }
}

#[test]
fn plain_http_is_for_this_machine_only() {
    for local in ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"] {
        assert!(wrong(&with(&[("R2_ENDPOINT", local)])).is_empty(), "{local}");
    }
    for remote in [
        "http://10.0.0.4:9000",
        "http://localhost.example.com",
        "ftp://x.example.com",
        "account.r2.cloudflarestorage.com",
    ] {
        assert_eq!(wrong(&with(&[("R2_ENDPOINT", remote)])), ["R2_ENDPOINT"], "{remote}");
    }
}

#[test]
fn older_names_and_empty_values_are_understood() {
    let config = read(&[
        ("SUPABASE_URL", "https://abc.supabase.co/"),
        ("SUPABASE_ANON_KEY", "eyJ"),
        ("DATABASE_URL", "  "),
        ("OPENROUTER_API_KEY", "k"),
    ])
    .unwrap();
    assert!(matches!(config.identity, identity::Identity::Supabase(_)));
    assert!(config.database.url.is_none());
    assert!(matches!(config.chat, chat::Chat::Model(_)));
}

#[test]
fn the_public_address_follows_the_port_unless_it_is_set() {
    let mut config = read(&[("LEPTOS_SITE_ADDR", "127.0.0.1:0")]).unwrap();
    config.site.listening_on("127.0.0.1:4711".parse().unwrap());
    assert_eq!(config.site.public_url.as_str(), "http://127.0.0.1:4711/");
    let config = read(&[("LEPTOS_SITE_ADDR", "0.0.0.0:3000")]).unwrap();
    assert_eq!(config.site.public_url.as_str(), "http://localhost:3000/");
    let mut config = read(PRODUCTION).unwrap();
    config.site.listening_on("127.0.0.1:4711".parse().unwrap());
    assert_eq!(config.site.public_url.as_str(), "https://atelier.example.com/");
}

#[test]
fn a_path_is_no_part_of_an_address() {
    assert_eq!(wrong(&with(&[("ATELIER_PUBLIC_URL", "https://example.com/atelier")])), ["ATELIER_PUBLIC_URL"]);
    assert_eq!(wrong(&with(&[("SUPABASE_URL", "https://abc.supabase.co/auth/v1")])), ["SUPABASE_URL"]);
}

const EMBEDDED: &[(&str, &str)] = &[
    ("ATELIER_IDENTITY", "embedded"),
    ("SUPABASE_URL", ""),
    ("SUPABASE_PUBLISHABLE_KEY", ""),
    ("SUPABASE_JWT_SECRET", ""),
    ("SMTP_URL", "smtps://atelier:hunter2@smtp.example.com"),
    ("MAIL_FROM", "Atelier <atelier@example.com>"),
];

fn embedded<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let unchanged = EMBEDDED.iter().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    with(&unchanged.copied().chain(changes.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn the_embedded_provider_serves_in_production_when_it_is_asked_for_and_can_send_mails() {
    let config = read(&embedded(&[("ATELIER_CONFIRM_EMAIL", "true"), ("ATELIER_SIGN_UP", "closed")])).unwrap();
    let identity::Identity::Embedded(embedded_provider) = &config.identity else { panic!("{:?}", config.identity) };
    assert!(embedded_provider.confirm_email && embedded_provider.sign_up_closed);
    let mail::Mail::Smtp(smtp) = &config.mail else { panic!("no mail server") };
    assert_eq!(smtp.from.email.to_string(), "atelier@example.com");
    assert!(!format!("{config:?}").contains("hunter2"));

    assert_eq!(wrong(&embedded(&[("SMTP_URL", ""), ("MAIL_FROM", "")])), ["SMTP_URL", "MAIL_FROM"]);
    assert_eq!(wrong(&embedded(&[("SUPABASE_URL", "https://abc.supabase.co")])), ["ATELIER_IDENTITY"]);
    assert_eq!(wrong(&embedded(&[("ATELIER_IDENTITY", "none")])), ["ATELIER_IDENTITY"]);
    assert_eq!(wrong(&embedded(&[("ATELIER_SIGN_UP", "maybe")])), ["ATELIER_SIGN_UP"]);
    assert_eq!(wrong(&embedded(&[("ATELIER_CONFIRM_EMAIL", "yes")])), ["ATELIER_CONFIRM_EMAIL"]);
    assert_eq!(wrong(&with(&[("ATELIER_SIGN_UP", "closed")])), ["ATELIER_SIGN_UP"], "a Supabase project has its own");
    assert_eq!(wrong(&[("ATELIER_IDENTITY", "supabase")]), ["SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY"]);
    // By default: open, without confirmation.
    let identity::Identity::Embedded(default) = read(&[]).unwrap().identity else { panic!("not embedded") };
    assert!(!default.confirm_email && !default.sign_up_closed && default.jwt_secret.is_none());
}

#[test]
fn a_secret_of_public_examples_signs_nothing_in_production() {
    let example = "super-secret-jwt-token-with-at-least-32-characters-long";
    assert_eq!(wrong(&embedded(&[("SUPABASE_JWT_SECRET", example)])), ["SUPABASE_JWT_SECRET"]);
    assert_eq!(wrong(&with(&[("SUPABASE_JWT_SECRET", example)])), ["SUPABASE_JWT_SECRET"]);
    assert!(wrong(&[("SUPABASE_JWT_SECRET", example)]).is_empty(), "in development it does no harm");
    assert_eq!(wrong(&embedded(&[("SUPABASE_JWT_SECRET", "too short")])), ["SUPABASE_JWT_SECRET"]);
    let own = "Zm9yIHRoaXMgdGVzdCBhbG9uZSwgMzIgYnl0ZXMgYXQgbGVhc3Q";
    assert!(wrong(&embedded(&[("SUPABASE_JWT_SECRET", own)])).is_empty());
}

#[test]
fn a_mail_server_is_reached_safely() {
    let smtp = |url| wrong(&[("SMTP_URL", url), ("MAIL_FROM", "atelier@example.com")]);
    for good in [
        "smtps://u:hunter2@smtp.example.com",
        "smtp://u:hunter2@smtp.example.com:587?tls=required",
        "smtp://relay.internal:25",
        "smtp://u:hunter2@127.0.0.1:2525",
    ] {
        assert!(smtp(good).is_empty(), "{good}");
    }
    for bad in [
        "smtp.example.com",
        "https://smtp.example.com",
        "smtp://u:hunter2@smtp.example.com",
        "smtp://u:hunter2@smtp.example.com?tls=opportunistic",
        "smtp://smtp.example.com?tls=maybe",
        "smtps:///",
    ] {
        assert_eq!(smtp(bad), ["SMTP_URL"], "{bad}");
    }
    assert_eq!(wrong(&[("SMTP_URL", "smtp://localhost")]), ["MAIL_FROM"]);
    assert_eq!(wrong(&[("MAIL_FROM", "atelier@example.com")]), ["SMTP_URL"]);
    assert_eq!(wrong(&[("SMTP_URL", "smtp://localhost"), ("MAIL_FROM", "nobody")]), ["MAIL_FROM"]);
}

#[test]
fn keys_of_supabase_in_each_others_place_are_refused() {
    // Headers and claims of the legacy keys: {"alg":"HS256","typ":"JWT"} and {"role":"anon"} or {"role":"service_role"}.
    let anon = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiJ9.c2lnbmF0dXJl";
    let service_role = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl";
    for publishable in ["sb_publishable_hunter2", anon] {
        assert!(wrong(&with(&[("SUPABASE_PUBLISHABLE_KEY", publishable)])).is_empty(), "{publishable}");
        let said = complaint(&with(&[("SUPABASE_SECRET_KEY", publishable)]));
        assert!(said.contains("sb_secret_") && !said.contains(publishable), "{said}");
    }
    for secret in ["sb_secret_hunter2", service_role] {
        assert!(wrong(&with(&[("SUPABASE_SECRET_KEY", secret)])).is_empty(), "{secret}");
        assert_eq!(wrong(&with(&[("SUPABASE_PUBLISHABLE_KEY", secret)])), ["SUPABASE_PUBLISHABLE_KEY"], "{secret}");
    }
    assert_eq!(
        wrong(&with(&[("SUPABASE_PUBLISHABLE_KEY", "sb_secret_x"), ("SUPABASE_SECRET_KEY", anon)])),
        ["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_SECRET_KEY"]
    );
    // Of a self-hosted Supabase whose keys say nothing of themselves.
    assert!(wrong(&with(&[("SUPABASE_SECRET_KEY", "a.b.c"), ("SUPABASE_PUBLISHABLE_KEY", "key")])).is_empty());
}

/// A file of the repository.
fn file(path: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_readme_has_the_table_of_every_variable() {
    let table = variables::markdown();
    let fresh = file("README.md").contains(&table);
    assert!(fresh, "put the output of `atelier config --markdown` into README.md:\n{table}");
}

#[test]
fn the_example_for_production_has_every_variable() {
    let example = variables::env_example();
    let fresh = file(".env.production.example") == example;
    assert!(fresh, "put the output of `atelier config --env` into .env.production.example:\n{example}");
    // As a container's engine reads it: what is there to be filled in is what production asks for.
    let set: Vec<_> =
        example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
    let (filled, empty): (Vec<_>, Vec<_>) = set.iter().copied().partition(|(_, value)| !value.is_empty());
    assert_eq!(filled, [("ATELIER_ENV", "production")]);
    let mut missing = wrong(&set);
    let mut empty: Vec<_> = empty.iter().map(|(name, _)| *name).collect();
    missing.sort_unstable();
    empty.sort_unstable();
    assert_eq!(missing, empty);
}

#[test]
fn every_variable_of_the_table_is_read() {
    let read = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let remote = [("RERANK_BASE_URL", "https://x.example.com"), ("ATELIER_ENV", "development")];
    for setting in [vec![], with(&[]), embedded(&[]), remote.to_vec()] {
        let setting: HashMap<_, _> = setting.into_iter().collect();
        let _ = Config::read(&|name| {
            read.borrow_mut().insert(name.to_owned());
            setting.get(name).map(|value| (*value).to_owned())
        });
    }
    let read = read.into_inner();
    let unread: Vec<_> = variables::VARIABLES.iter().filter(|variable| !read.contains(variable.name)).collect();
    assert!(unread.is_empty(), "nobody reads {unread:?}");
}

#[test]
fn nothing_that_deploys_or_explains_names_a_variable_that_there_is_not() {
    let documents = [
        "Dockerfile.prod",
        "docker-compose.prod.yml",
        "docker-compose.yml",
        "docs/deploy-easypanel.md",
        "docs/operate.md",
        "docs/troubleshooting.md",
        "docs/auth.md",
        "docs/architecture.md",
    ];
    let beginnings: std::collections::BTreeSet<_> =
        variables::documented().filter_map(|variable| variable.name.split_once('_')).map(|(first, _)| first).collect();
    for document in documents {
        let text = file(document);
        let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
        let unknown: Vec<_> = words
            .filter(|word| {
                word.split_once('_').is_some_and(|(first, rest)| beginnings.contains(first) && !rest.is_empty())
            })
            .filter(|word| variables::find(word).is_none())
            .collect();
        assert!(unknown.is_empty(), "{document}: {unknown:?}");
    }
}
