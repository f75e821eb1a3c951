//! Every environment variable that Atelier reads, for the README, `.env.production.example`, `atelier config`, and
//! messages.

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// One line: what it is, and what holds without it.
    pub explanation: &'static str,
    pub required_in_production: bool,
    /// Shown in the README's table; the system's own variables are not.
    documented: bool,
}

const fn optional(name: &'static str, explanation: &'static str) -> Variable {
    Variable { name, explanation, required_in_production: false, documented: true }
}

const fn required(name: &'static str, explanation: &'static str) -> Variable {
    Variable { name, explanation, required_in_production: true, documented: true }
}

const fn of_the_system(name: &'static str, explanation: &'static str) -> Variable {
    Variable { name, explanation, required_in_production: false, documented: false }
}

pub const VARIABLES: &[Variable] = &[
    optional(
        "ATELIER_ENV",
        "`development` (default: what is not configured is embedded) or `production` (what is not configured is an error)",
    ),
    required(
        "ATELIER_PUBLIC_URL",
        "the address by which browsers reach the site, such as https://atelier.example.com (default: http:// and the listening address)",
    ),
    optional("LEPTOS_SITE_ADDR", "the address and port to listen on (default 127.0.0.1:3000)"),
    optional("LEPTOS_SITE_ROOT", "the folder with the built site (default target/site)"),
    optional(
        "ATELIER_TRUSTED_PROXIES",
        "addresses or networks of proxies whose X-Forwarded-For is believed, separated by commas (default: none)",
    ),
    required(
        "DATABASE_URL",
        "the Postgres to use, by Supabase's session pooler or direct string, port 5432 (default: an embedded Postgres with pgvector)",
    ),
    optional("DATABASE_MAX_CONNECTIONS", "size of the connection pool (default 15; 8 to the embedded Postgres)"),
    optional(
        "ATELIER_POSTGRES_BIN",
        "a folder with another PostgreSQL's `initdb` and `postgres`, with pgvector, for the embedded database (default: fetched once)",
    ),
    optional("ATELIER_POSTGRES_MAJOR", "which PostgreSQL is embedded, 18 or 16 (default 18); each has data of its own"),
    optional(
        "ATELIER_IDENTITY",
        "`embedded` for an identity provider of Atelier's own, in production too, or `supabase` (default: as the variables below are set)",
    ),
    optional(
        "ATELIER_CONFIRM_EMAIL",
        "whether the embedded provider lets people in only after they have confirmed their address by mail, true or false (default false)",
    ),
    optional(
        "ATELIER_SIGN_UP",
        "whether people can make accounts by themselves at the embedded provider, `open` (default) or `closed`",
    ),
    required(
        "SUPABASE_URL",
        "the Supabase project's URL, https://<project>.supabase.co (default: an embedded identity provider)",
    ),
    required(
        "SUPABASE_PUBLISHABLE_KEY",
        "the project's publishable key, sb_publishable_…; the legacy anon key also works",
    ),
    optional("SUPABASE_ANON_KEY", "the older name of SUPABASE_PUBLISHABLE_KEY, read when that one is unset"),
    optional(
        "SUPABASE_SECRET_KEY",
        "the project's secret key, sb_secret_…: with it each visitor has a rate limit of their own",
    ),
    optional(
        "SUPABASE_JWT_SECRET",
        "the shared JWT secret, only for projects that still sign with HS256; makes the embedded provider do so",
    ),
    optional(
        "SMTP_URL",
        "the server that takes mails, smtps://user:password@host or smtp://…?tls=required; required in production with the embedded provider (default: mails are kept at /outbox)",
    ),
    optional("MAIL_FROM", "whom mails come from, such as Atelier <atelier@example.com>"),
    required(
        "R2_ENDPOINT",
        "the S3 API of the object store, https://<account>.r2.cloudflarestorage.com (default: an embedded store)",
    ),
    required("R2_ACCESS_KEY", "the access key id of an R2 token that may read and write objects"),
    required("R2_SECRET_KEY", "the secret access key that belongs to it"),
    required("R2_BUCKET", "the bucket's name"),
    optional(
        "R2_PUBLIC_URL",
        "the bucket's public address, if it has one; open only the paths `workspaces/*/public/*` there",
    ),
    optional(
        "BACKUP_S3_ENDPOINT",
        "the S3 API of another store, for `atelier backup s3://bucket/prefix` (default: backups go to folders)",
    ),
    optional("BACKUP_S3_ACCESS_KEY", "the access key id of a token that may read and write objects there"),
    optional("BACKUP_S3_SECRET_KEY", "the secret access key that belongs to it"),
    optional("LLM_API_KEY", "the key for the model that writes answers (default: the built-in extractive answerer)"),
    optional("OPENROUTER_API_KEY", "read when LLM_API_KEY is unset"),
    optional("LLM_BASE_URL", "any OpenAI-compatible API (default: OpenRouter's)"),
    optional("LLM_MODEL", "the model's name there (default on OpenRouter: openrouter/auto)"),
    optional("LLM_FIRST_TOKEN_SECONDS", "how long the model may take to begin an answer (default 120)"),
    optional("LLM_IDLE_SECONDS", "how long it may pause in an answer (default 45)"),
    optional(
        "CHAT_MODELS",
        "the models that conversations may choose beside LLM_MODEL, separated by commas (default: all that answer in the provider's list)",
    ),
    optional(
        "CHAT_PRICES",
        "what models cost in US dollars for a million tokens read and written, such as gpt-4o=2.5/10,gpt-4o-mini=0.15/0.6 (default: the prices in the provider's list, if it has any)",
    ),
    optional("CHAT_CONTEXT", "how many tokens a model takes whose window the provider does not list (default 128000)"),
    optional(
        "CHAT_MAX_ITERATIONS",
        "how often the model may call tools for one answer before it must give it (default 8)",
    ),
    optional("TAVILY_API_KEY", "the key for Tavily, with which models may search the web (default: they cannot)"),
    optional("TAVILY_BASE_URL", "where Tavily's API is (default https://api.tavily.com)"),
    optional(
        "VISION_MODEL",
        "the name of a model there that reads pictures (default: pictures are stored without text)",
    ),
    optional(
        "EMBEDDING_MODEL_DIR",
        "a folder with model.safetensors, tokenizer.json and config.json of a BERT-like model (default: all-MiniLM-L6-v2, fetched once)",
    ),
    optional("EMBEDDING_BASE_URL", "any OpenAI-compatible API that embeds, instead of a local model"),
    optional("EMBEDDING_API_KEY", "the key for it"),
    optional("EMBEDDING_MODEL", "the model's name there"),
    optional("EMBEDDING_DIMENSIONS", "the length of its vectors"),
    optional(
        "EMBEDDING_PREVIOUS_API_KEY",
        "the key for the API of the model used before, if it is at another address: its index answers until the new one is built",
    ),
    optional(
        "RERANK_BASE_URL",
        "an API with `/rerank`, as Cohere and Jina have it, that orders the best passages anew (default: off)",
    ),
    optional("RERANK_API_KEY", "the key for it"),
    optional("RERANK_MODEL", "the model's name there"),
    optional("ATELIER_MAX_UPLOAD_MB", "the largest file that can be uploaded (default 200)"),
    optional(
        "ATELIER_REQUEST_TIMEOUT_SECONDS",
        "the time limit of a request, uploads and event streams excepted (default 30)",
    ),
    optional(
        "ATELIER_RATE_LIMIT_PER_MINUTE",
        "requests that one address may make, those for files left out; a fifth of it at once (default 3000)",
    ),
    optional(
        "ATELIER_SIGN_IN_LIMIT_PER_MINUTE",
        "tries of one address to sign in, up, or by link or code; three times as many at once (default 20)",
    ),
    optional("ATELIER_DRAIN_SECONDS", "how long a stop waits for requests under way (default 20)"),
    optional(
        "ATELIER_WORKER_CONCURRENCY",
        "how many documents the worker ingests at once (default: twice the cores, 2 to 8)",
    ),
    optional("ATELIER_EMBEDDED_STORE_GB", "how much the embedded object store may hold (default 20)"),
    optional("ATELIER_DATA_DIR", "where embedded parts keep their data (default .atelier)"),
    optional(
        "ATELIER_CACHE_DIR",
        "where fetched tools and models are kept (default: atelier in the user's cache folder)",
    ),
    optional("LOG", "what is logged, as in info,server=debug (default: info)"),
    optional("RUST_LOG", "read when LOG is unset"),
    optional("ATELIER_LOG_FORMAT", "`text` (default) or `json` (default in production)"),
    optional(
        "ATELIER_ACCESS_LOG",
        "whether every request has a line in the log, true (default) or false (only those that failed on our side)",
    ),
    optional(
        "METRICS_ADDR",
        "an address and a port of their own, such as 0.0.0.0:9464, for figures at /metrics, as Prometheus reads them; no login guards them (default: off)",
    ),
    optional(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "a collector that takes traces by OTLP over HTTP, such as http://collector:4318 (default: off)",
    ),
    optional("OTEL_EXPORTER_OTLP_HEADERS", "what it is sent with them, such as authorization=Bearer%20key"),
    optional("OTEL_SERVICE_NAME", "what the traces are signed with (default atelier)"),
    optional(
        "OTEL_TRACES_SAMPLER",
        "which requests and jobs are traced: always_on, always_off, traceidratio, or one of these with parentbased_ before it (default parentbased_always_on)",
    ),
    optional("OTEL_TRACES_SAMPLER_ARG", "for traceidratio, the share that is traced, from 0 to 1 (default 1)"),
    of_the_system("HOME", "the user's home folder"),
    of_the_system("XDG_CACHE_HOME", "the user's cache folder"),
];

/// What `.env.production.example` puts above the variables that begin with this one.
const GROUPS: &[(&str, &str)] = &[
    ("ATELIER_ENV", "Site"),
    ("DATABASE_URL", "Database: Supabase, Connect, session pooler"),
    ("ATELIER_IDENTITY", "Sign-in: Supabase, Project Settings, API Keys"),
    ("SMTP_URL", "Mails: invitations to workspaces"),
    ("R2_ENDPOINT", "Files: Cloudflare R2, or anything else that speaks S3"),
    ("BACKUP_S3_ENDPOINT", "Backups in another store: R2 with a token of its own, or anything else that speaks S3"),
    ("LLM_API_KEY", "The model that writes answers"),
    ("EMBEDDING_MODEL_DIR", "The model that embeds: needed unless the image was built with LOCAL_MODEL=yes"),
    ("RERANK_BASE_URL", "The model that orders passages"),
    ("ATELIER_MAX_UPLOAD_MB", "Limits"),
    ("ATELIER_DATA_DIR", "Folders: set in the image"),
    ("LOG", "Logs"),
    ("METRICS_ADDR", "Figures and traces: Prometheus, OpenTelemetry"),
];

/// The variable of that name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

/// Those that are for a person to set.
pub fn documented() -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(|variable| variable.documented)
}

/// `.env.production.example`: what is required stands ready to be filled in, the rest is commented out.
pub fn env_example() -> String {
    let mut file = String::from(
        "# Atelier in production. Copy this to .env.production, and fill in what has no `#` before it: the start names\n\
         # all that is missing at once. What is commented out may stay so. No quotes: they would be part of the value.\n\
         # Made by `atelier config --env`.\n",
    );
    for variable in documented() {
        if let Some((_, title)) = GROUPS.iter().find(|(first, _)| *first == variable.name) {
            file.push_str(&format!("\n# ---- {title} ----\n\n"));
        }
        let line = match variable.name {
            "ATELIER_ENV" => "ATELIER_ENV=production".to_owned(),
            name if variable.required_in_production => format!("{name}="),
            name => format!("#{name}="),
        };
        let needed = if variable.required_in_production { "REQUIRED: " } else { "" };
        file.push_str(&format!("# {needed}{}\n{line}\n", variable.explanation));
    }
    file
}

/// The README's table.
pub fn markdown() -> String {
    let mut table = String::from("| variable | what it is | in production |\n|---|---|---|\n");
    for variable in documented() {
        let needed = if variable.required_in_production { "required" } else { "" };
        table.push_str(&format!("| `{}` | {} | {needed} |\n", variable.name, variable.explanation));
    }
    table
}
