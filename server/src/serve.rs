//! Serving: from the settings to the last answer.

use std::{env, fmt::Display, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing::{info, warn};

use crate::{
    assemble,
    config::{Config, Http, ServeSettings},
    http::{self, Server},
    logging, shutdown,
    site::Site,
};

/// How long open requests may take to end after the wish to end.
const GRACE: Duration = Duration::from_secs(8);

/// Serves until told to stop. What keeps it from starting is said in one line.
pub(crate) fn serve(settings: ServeSettings) -> ExitCode {
    match try_serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn try_serve(settings: ServeSettings) -> Result<(), String> {
    let config = settings.settle().map_err(text)?;
    logging::begin(&config.log).map_err(|problem| format!("the log filter is not valid: {problem}"))?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Result<(), String> {
    let Config { http, data, accounts, log: _ } = config;
    let listener = TcpListener::bind(http.listen).await.map_err(|problem| {
        format!("cannot listen on {}: {problem}; name another place with --listen", http.listen)
    })?;
    let http = http.listening_on(listener.local_addr().map_err(text)?);
    let assembled = assemble::assemble(&data, &accounts).await.map_err(text)?;
    let site = Site::of(http.site_dir.clone().or_else(leptos_site_dir));
    let (trigger, wish) = shutdown::channel();
    tokio::spawn(async move {
        told_to_stop().await;
        info!("stopping");
        trigger.utter();
    });
    tell_start(&http, &site, &data.dir.display());
    let server = Server::new(http, assembled.relay.clone(), Arc::clone(&assembled.store), site, wish.clone());
    http::serve(listener, server, wish, GRACE).await;
    assembled.close().await;
    info!("stopped");
    Ok(())
}

/// The line that says where to look, and what an operator must know.
fn tell_start(http: &Http, site: &Site, data: &dyn Display) {
    let address = http.listen;
    info!(%address, base_url = %http.base_url, %data, "secure-messaging serves at {}", http.base_url);
    if matches!(site, Site::Missing) {
        warn!(
            "built without the web pages' files: pages will not come alive. Build with `cargo xtask build`"
        );
    }
    if address.ip().is_unspecified() && http.base_url.origin().contains(&address.ip().to_string()) {
        warn!(
            "name the address under which people reach this server with --base-url: browsers' calls are refused else"
        );
    }
}

/// Where `cargo leptos watch` puts the site.
fn leptos_site_dir() -> Option<PathBuf> {
    env::var_os("LEPTOS_WATCH")?;
    env::var_os("LEPTOS_SITE_ROOT").map(Into::into)
}

async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without signals only a kill ends the server.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Each connection is an open file: as many as the system allows.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(problem) = setrlimit(Resource::Nofile, limit) {
        warn!(%problem, "the limit of open files cannot be raised");
    }
}

fn text(problem: impl Display) -> String {
    problem.to_string()
}
