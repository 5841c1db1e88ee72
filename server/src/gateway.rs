//! The REST gateway alone, on the user's own machine, to a server anywhere.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use axum::{middleware, response::Redirect, routing::get};
use clap::Args;
use cli::{
    device::ServerAddress,
    gateway::{self, Gateway},
};
use tokio::net::TcpListener;
use tracing::{info, warn};
use url::Url;

use crate::{
    config::LogSettings,
    http::{self, Bounds},
    logging,
    serve::{GRACE, raise_file_limit, told_to_stop},
    shutdown,
};

/// A gateway is one person's, or a few programs': far below what a server bears.
const BOUNDS: Bounds = Bounds {
    header_timeout: Duration::from_secs(10),
    max_connections: 1_000,
    max_connections_per_address: 100,
};

/// Shown first in `--help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  secure-messaging gateway --server https://chat.example.org
      The REST API at http://127.0.0.1:8090/api/docs, for an account on that server
  curl -c cookies.txt -H 'Content-Type: application/json' -d @login.json http://127.0.0.1:8090/api/login
      Sign in by it";

/// Which server, and where to listen.
#[derive(Args, Debug)]
pub(crate) struct GatewaySettings {
    /// The server that holds the accounts: https://…, or http:// on this machine.
    #[arg(long, env = "SECURE_MESSAGING_SERVER", hide_env_values = true, value_name = "URL")]
    server: ServerAddress,
    /// Address and port to listen on. Who reaches it and has a token reads and writes as its account.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// The address under which programs reach the gateway, where a proxy with TLS stands in front of it.
    #[arg(long, value_name = "URL")]
    base_url: Option<Url>,
    #[command(flatten)]
    log: LogSettings,
}

/// Runs it until told to stop.
pub(crate) fn run(settings: GatewaySettings) -> ExitCode {
    match try_run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn try_run(settings: GatewaySettings) -> Result<(), String> {
    let GatewaySettings { server, listen, base_url, log } = settings;
    logging::begin(&log.settle()).map_err(|problem| format!("the log filter is not valid: {problem}"))?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|problem| problem.to_string())?.block_on(serve(server, listen, base_url))
}

async fn serve(server: ServerAddress, listen: SocketAddr, base_url: Option<Url>) -> Result<(), String> {
    let listener = TcpListener::bind(listen).await.map_err(|problem| {
        format!("cannot listen on {listen}: {problem}; name another place with --listen")
    })?;
    let address = listener.local_addr().map_err(|problem| problem.to_string())?;
    let gateway = Gateway::new(server.clone(), address, base_url.as_ref())?;
    tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.tidy().await }
    });
    if !address.ip().is_loopback() {
        warn!(
            "the gateway listens beyond this machine, and passwords and messages go to and from it as they are: put TLS in \
             front of it, and name its address with --base-url"
        );
    }
    info!(%address, %server, "the REST API is at http://{address}/api/docs");
    let (trigger, wish) = shutdown::channel();
    tokio::spawn({
        let gateway = gateway.clone();
        async move {
            told_to_stop().await;
            info!("stopping");
            gateway.close().await;
            trigger.utter();
        }
    });
    let router = gateway::router(gateway).route("/", get(async || Redirect::temporary("/api/docs")));
    let router = router.layer(middleware::from_fn(http::around));
    http::serve(listener, router, BOUNDS, wish, GRACE).await;
    info!("stopped");
    Ok(())
}
