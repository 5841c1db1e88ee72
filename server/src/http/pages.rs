//! The pages, rendered by the app, each with a policy that lets nothing run but its own script.

use app::App;
use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list_with_exclusions};
use protocol::refusal::Code;

use super::{Server, assets, refusal::RefusedAnswer};

/// Adds the app's pages, the site's files, and a page for every other address.
pub(super) fn mount(router: Router<Server>, server: &Server) -> Router<Server> {
    // Server functions are mounted by name, behind their checks: Leptos must not mount them once more without.
    let calls = leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
    let pages = generate_route_list_with_exclusions(App, Some(calls));
    let options = options(server);
    let document = {
        let options = options.clone();
        move || document(options.clone())
    };
    router.leptos_routes_with_context(server, pages, || {}, document).fallback(file_or_page)
}

impl axum::extract::FromRef<Server> for LeptosOptions {
    fn from_ref(server: &Server) -> Self {
        options(server)
    }
}

fn options(server: &Server) -> LeptosOptions {
    LeptosOptions::builder().output_name(server.site().output_name()).build()
}

async fn file_or_page(State(server): State<Server>, request: Request) -> Response {
    if let Some(file) = assets::find(&server, request.method(), request.uri().path(), request.headers()).await
    {
        return file;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ([(header::ALLOW, "GET, HEAD")], RefusedAnswer::from(Code::MethodNotAllowed)).into_response();
    }
    let options = options(&server);
    let render = leptos_axum::render_app_to_stream(move || document(options.clone()));
    let mut page = render(request).await.into_response();
    *page.status_mut() = StatusCode::NOT_FOUND;
    page
}

/// The app's document, and its policy.
fn document(options: LeptosOptions) -> impl IntoView {
    let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    if let (Some(response), Ok(policy)) =
        (use_context::<ResponseOptions>(), HeaderValue::try_from(content_security_policy(&nonce)))
    {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
    app::shell(options)
}

/// Only the script that carries the nonce runs, and what it loads; all else comes from this server, or not at all.
fn content_security_policy(nonce: &str) -> String {
    let reload = if std::env::var_os("LEPTOS_WATCH").is_some() {
        " ws://127.0.0.1:3001 ws://localhost:3001"
    } else {
        ""
    };
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; \
         script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         font-src 'self'; connect-src 'self'{reload}; manifest-src 'self'; worker-src 'none'; \
         require-trusted-types-for 'script'; trusted-types default"
    )
}
