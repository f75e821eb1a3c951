//! The pages, their server functions, and the site's files.

use super::error;
use crate::{
    AppState,
    auth::{AuthUser, NeedsSecondFactor, RequestAccounts, Unsettled},
    config::Config,
    members::OpenLetterbox,
    session::UserSession,
    shares::SharesByToken,
};
use app::{Site, flash::FormFailure};
use axum::{
    Router,
    body::Body,
    extract::{FromRef, State},
    http::{HeaderValue, Method, Request, StatusCode, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use domain::{Session, accounts::Accounts, members::Letterbox, shares::OpenShares};
use leptos::{
    config::{Env, LeptosOptions},
    prelude::{provide_context, use_context},
};
use leptos_axum::{AxumRouteListing, LeptosRoutes, generate_route_list};
use std::{
    path::Path,
    sync::{Arc, LazyLock},
};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// How the files of the built site begin, and the folder that they are in.
const SITE_NAME: &str = "atelier";
const SITE_PACKAGE: &str = "pkg";

/// The studio's pages. Listed once in a process: a resource that is polled for the first time while Leptos lists them never
/// comes, whichever server's page it is of (leptos issue 4773).
pub(super) static STUDIO: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::Studio));

/// The files of the built site that pages name.
pub fn site() -> Site {
    Site::find(SITE_NAME, SITE_PACKAGE)
}

/// What Leptos needs to know of the built site.
pub fn leptos_options(config: &Config) -> LeptosOptions {
    // Set by `cargo leptos watch`, whose pages reload when something changes.
    let watched = std::env::var_os("LEPTOS_WATCH").is_some();
    LeptosOptions::builder()
        .output_name(SITE_NAME)
        .site_root(config.site.root.to_string_lossy().as_ref())
        .site_pkg_dir(SITE_PACKAGE)
        .site_addr(config.site.addr)
        .reload_port(3001)
        .env(if watched { Env::DEV } else { Env::PROD })
        .build()
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// Every page and server function; what is neither is a file of the site, or not found.
pub fn router(state: &AppState) -> Router<AppState> {
    let context = {
        let state = state.clone();
        move || provide_ports(&state)
    };
    let entrance = {
        let state = state.clone();
        move || app::entrance_document(&state.site, state.leptos.clone())
    };
    let studio = {
        let state = state.clone();
        move || app::studio_document(&state.site, state.leptos.clone())
    };
    let entrance = leptos_axum::render_app_async_with_context(context.clone(), entrance);
    let pages =
        app::entrance::PATHS.iter().fold(Router::new(), |router, path| router.route(path, get(entrance.clone())));
    pages.leptos_routes_with_context(state, STUDIO.clone(), context, studio).fallback(file_or_not_found)
}

/// `/favicon.ico` is asked for by habit; the icon is an SVG.
pub async fn favicon() -> Redirect {
    Redirect::permanent("/favicon.svg")
}

/// Gives a page or a server function the ports of this request: the session, if someone is signed in, the identity
/// provider, the letterbox of invitations, and the shares.
fn provide_ports(state: &AppState) {
    let letterbox: Arc<dyn Letterbox> = Arc::new(OpenLetterbox(state.clone()));
    provide_context(letterbox);
    let shares: Arc<dyn OpenShares> = Arc::new(SharesByToken(state.clone()));
    provide_context(shares);
    let Some(request) = use_context::<Parts>() else { return };
    if let Some(user) = request.extensions.get::<AuthUser>() {
        let session: Arc<dyn Session> = Arc::new(UserSession::new(state.clone(), user.clone()));
        provide_context(session);
    }
    provide_context(app::cookie::Https(state.config.site.is_https()));
    if let Some(failure) = request.extensions.get::<FormFailure>() {
        provide_context(failure.clone());
    }
    if let Some(Unsettled(error)) = request.extensions.get::<Unsettled>() {
        provide_context(app::session::Unsettled(error.clone()));
    }
    if request.extensions.get::<NeedsSecondFactor>().is_some() {
        provide_context(app::session::NeedsSecondFactor);
    }
    if let Some(accounts) = request.extensions.get::<RequestAccounts>() {
        let accounts: Arc<dyn Accounts> = Arc::new(accounts.clone());
        provide_context(accounts);
    }
}

async fn file_or_not_found(State(state): State<AppState>, request: Request<Body>) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") || path.starts_with("/auth/v1") {
        return error::unknown_route().await.into_response();
    }
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && let Some(file) = file(&state, asked(&request)).await
    {
        return file;
    }
    let looks_like_file = Path::new(path).extension().is_some();
    if looks_like_file && !super::plain::is_wanted(request.headers()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    not_found_page(state, request).await
}

/// What the request asks of a file: all but its body.
fn asked(request: &Request<Body>) -> Request<Body> {
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method().clone();
    *asked.uri_mut() = request.uri().clone();
    *asked.headers_mut() = request.headers().clone();
    asked
}

/// A file of the site, as it was compressed when the site was built, if the browser takes that.
async fn file(state: &AppState, asked: Request<Body>) -> Option<Response> {
    let caching =
        if is_hashed(asked.uri().path()) { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    let folder = ServeDir::new(&state.config.site.root)
        .precompressed_br()
        .precompressed_gzip()
        .append_index_html_on_directories(false);
    let Ok(found) = folder.oneshot(asked).await;
    // A folder is no file, whatever ServeDir would say of it.
    let is_file = found.status().is_success()
        || matches!(found.status(), StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE);
    if !is_file {
        return None;
    }
    let mut response = found.map(Body::new);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    // Our own pictures carry their styles in them.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    Some(response)
}

/// Whether the file's name has a hash of its content in it, as `pkg/atelier.0aB1….css`.
fn is_hashed(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/pkg/") else { return false };
    let name = name.rsplit('/').next().unwrap_or(name);
    // cargo-leptos: 22 characters of base64url before the extension.
    name.split('.')
        .rev()
        .skip(1)
        .any(|part| part.len() >= 16 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
}

async fn not_found_page(state: AppState, request: Request<Body>) -> Response {
    let shell = {
        let state = state.clone();
        move || app::studio_document(&state.site, state.leptos.clone())
    };
    let render = leptos_axum::render_app_async_with_context(move || provide_ports(&state), shell);
    let mut response = render(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::TestApp;
    use std::{collections::BTreeSet, time::Duration};
    use tokio_util::sync::CancellationToken;

    /// Which page of the entrance it is, by the data in it.
    fn written(html: &str) -> Option<&str> {
        let (_, data) = html.split_once("id=\"page-data\"")?;
        let (_, data) = data.split_once(">{\"")?;
        data.split_once('"').map(|(name, _)| name)
    }

    #[tokio::test]
    async fn each_path_of_the_entrance_has_a_page_of_its_own() {
        let app = TestApp::start().await;
        let mut pages = BTreeSet::new();
        for path in app::entrance::PATHS {
            let page = app.anonymous().get(&path.replace("{token}", "x")).await;
            pages.insert(written(&page.text()).unwrap().to_owned());
        }
        assert_eq!(pages.len(), app::entrance::PATHS.len(), "{pages:?}");
    }

    #[tokio::test]
    async fn a_page_that_nobody_reads_is_let_go() {
        let app = TestApp::start().await;
        let anyone = app.anonymous();
        let ask = async || {
            for path in ["/", "/login", "/auth/confirm?type=email&token_hash=x", "/invite/x"] {
                anyone.send(anyone.request(Method::HEAD, path)).await;
            }
        };
        ask().await;
        let before = app.state.holders();
        for _ in 0..20 {
            ask().await;
        }
        // What the requests before it held is let go soon after their answer.
        for _ in 0..50 {
            if app.state.holders() <= before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(app.state.holders() <= before, "{} hold it after 80 requests, before {before}", app.state.holders());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_comes_while_another_server_starts() {
        let app = TestApp::start().await;
        let ada = app.user("ada").await;
        let stop = CancellationToken::new();
        let _stop = stop.clone().drop_guard();
        std::thread::spawn({
            let (state, runtime) = (app.state.clone(), tokio::runtime::Handle::current());
            move || {
                let _entered = runtime.enter();
                while !stop.is_cancelled() {
                    drop(router(&state));
                }
            }
        });
        for _ in 0..10 {
            let page = tokio::time::timeout(Duration::from_secs(10), ada.get("/workspaces")).await;
            assert_eq!(page.expect("it comes").status, 200);
        }
    }

    #[test]
    fn only_hashed_names_are_cached_for_good() {
        assert!(is_hashed("/pkg/atelier.Gx3AbCdEfGhIjKlMnOpQrS.css"));
        assert!(is_hashed("/pkg/atelier.Gx3AbCdEfGhIjKlMnOpQrS.wasm"));
        assert!(!is_hashed("/pkg/atelier.css"));
        assert!(!is_hashed("/fonts/geist-latin-regular-400.woff2"));
        assert!(!is_hashed("/atelier.Gx3AbCdEfGhIjKlMnOpQrS.css"));
    }
}
