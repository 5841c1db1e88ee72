//! Serving: from the settings to the last answer.

use std::{env, fmt::Display, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use cli::{device::ServerAddress, gateway::Gateway};
use protocol::policy::Registration;
use relay::Relay;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing::{error, info, warn};

use crate::{
    assemble::{self, Assembled},
    config::{Config, Http, Mail, Settings},
    http::{self, Server},
    logging,
    mail::{Writer, job::Job, smtp::Smtp},
    shutdown::{self, Shutdown},
    site::Site,
};

/// How long open requests may take to end after the wish to end.
pub(crate) const GRACE: Duration = Duration::from_secs(8);
/// So often it is written down what was counted to slow guessing down.
const KEEP_COUNTERS: Duration = Duration::from_secs(5);
/// How often messages are erased whose time is over.
const ERASE_EVERY: Duration = Duration::from_secs(2);

/// Serves until told to stop. What keeps it from starting is said in one line.
pub(crate) fn serve(settings: Settings) -> ExitCode {
    match try_serve(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn try_serve(settings: Settings) -> Result<(), String> {
    let config = settings.settle().map_err(text)?;
    logging::begin(&config.log).map_err(|problem| format!("the log filter is not valid: {problem}"))?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(text)?;
    runtime.block_on(run(config))
}

async fn run(config: Config) -> Result<(), String> {
    let Config { http, data, accounts, mail, log: _ } = config;
    let listener = TcpListener::bind(http.listen).await.map_err(|problem| {
        format!("cannot listen on {}: {problem}; name another place with --listen", http.listen)
    })?;
    let http = http.listening_on(listener.local_addr().map_err(text)?);
    let assembled = assemble::assemble(&data, &accounts, mail.is_some()).await.map_err(text)?;
    assembled.relay.restore_counters().await.map_err(text)?;
    let site = match http.site_dir.clone() {
        Some(folder) => Site::of(Some(folder)),
        None => watched_site().unwrap_or_else(|| Site::of(None)),
    };
    let gateway = gateway(&http)?;
    if let Some(gateway) = gateway.clone() {
        tokio::spawn(async move { gateway.tidy().await });
    }
    let (trigger, wish) = shutdown::channel();
    tokio::spawn({
        let gateway = gateway.clone();
        async move {
            told_to_stop().await;
            info!("stopping");
            // Its sessions end while there is still a server that can hear of it.
            if let Some(gateway) = gateway {
                gateway.close().await;
            }
            trigger.utter();
        }
    });
    tell_start(&http, &site, &data.dir.display(), accounts.registration, mail.as_ref());
    let counting = tokio::spawn(keep_counters(assembled.relay.clone(), wish.clone()));
    let erasing = tokio::spawn(erase_expired(assembled.relay.clone(), wish.clone()));
    let mailing = tokio::spawn(send_mail(&assembled, &http, mail, wish.clone()));
    let bounds = http.bounds();
    let (relay, store) = (assembled.relay.clone(), Arc::clone(&assembled.store));
    let router = http::router(Server::new(http, relay, store, site, gateway, wish.clone()));
    http::serve(listener, router, bounds, wish, GRACE).await;
    // None panics, and all end by themselves after the wish.
    let _ = tokio::join!(counting, erasing, mailing);
    if let Err(problem) = assembled.relay.keep_counters().await {
        error!(%problem, "what was counted against guessing was not kept");
    }
    assembled.close().await;
    info!("stopped");
    Ok(())
}

/// Writes down what was counted, by and by.
async fn keep_counters(relay: Relay, shutdown: Shutdown) {
    let mut wish = std::pin::pin!(shutdown.wished());
    loop {
        tokio::select! {
            () = tokio::time::sleep(KEEP_COUNTERS) => {}
            () = &mut wish => return,
        }
        if let Err(problem) = relay.keep_counters().await {
            warn!(%problem, "what was counted against guessing is kept later");
        }
    }
}

/// What was to disappear goes within a few seconds, also what was due while the server was down.
async fn erase_expired(relay: Relay, shutdown: Shutdown) {
    let mut wish = std::pin::pin!(shutdown.wished());
    loop {
        if let Err(problem) = relay.erase_expired().await {
            warn!(%problem, "what was to disappear goes later");
        }
        tokio::select! {
            () = tokio::time::sleep(ERASE_EVERY) => {}
            () = &mut wish => return,
        }
    }
}

/// The task that sends mail, where there is a mail server; one that does nothing, where there is none.
fn send_mail(
    assembled: &Assembled,
    http: &Http,
    mail: Option<Mail>,
    shutdown: Shutdown,
) -> impl Future<Output = ()> + Send + 'static {
    let job = mail.map(|mail| Job {
        relay: assembled.relay.clone(),
        postbox: Arc::clone(&assembled.postbox),
        writer: Writer { from: mail.from.clone(), base_url: http.base_url.clone() },
        smtp: Smtp::new(mail),
    });
    async move {
        if let Some(job) = job {
            job.run(shutdown).await;
        }
    }
}

/// The REST API, where it is served: a client of this very server.
fn gateway(http: &Http) -> Result<Option<Gateway>, String> {
    if !http.serves_gateway() {
        return Ok(None);
    }
    if !http.is_for_this_machine_only() {
        warn!(
            "the REST API is on (--gateway on): it encrypts and decrypts on this machine, so whoever runs it could read what \
             is sent and fetched by it"
        );
    }
    let is_believed = http.trusted_proxies.iter().any(|proxy| proxy.is(http.local_address().ip()));
    // Where nobody but this machine asks, there is nobody else to ask for.
    if !is_believed && !http.serves_gateway_to_this_machine_only() {
        return Err(format!(
            "the REST API asks the server from {} on behalf of others: name it among --trusted-proxies, or switch the REST \
             API off with --gateway off",
            http.local_address().ip()
        ));
    }
    let server = ServerAddress::of_this_process(http.local_address()).map_err(text)?;
    let public = http.base_url.origin().parse().map_err(text)?;
    Gateway::new(server, http.listen, Some(&public)).map(Some)
}

/// The line that says where to look, and what an operator must know.
fn tell_start(http: &Http, site: &Site, data: &dyn Display, registration: Registration, mail: Option<&Mail>) {
    let address = http.listen;
    info!(%address, base_url = %http.base_url, %data, "secure-messaging serves at {}", http.base_url);
    match registration {
        Registration::Open => info!("anybody who reaches this server may make an account"),
        Registration::Invite => info!(
            "an account takes an invitation: make one with `secure-messaging admin invite create`, or let everybody in \
             with --registration open"
        ),
        Registration::Closed => info!("nobody may make an account: registration is closed"),
    }
    match mail {
        Some(mail) => info!(host = mail.host, port = mail.port, "mail is sent"),
        None => info!(
            "no mail server is set: forgotten passwords take `secure-messaging admin reset-link USER`, see --smtp-host"
        ),
    }
    if http.serves_gateway() {
        info!("the REST API for programs is described at {}/api/docs", http.base_url);
    }
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

/// The site that `cargo leptos watch` rebuilds, when it started the server: it does so in the project's folder.
fn watched_site() -> Option<Site> {
    env::var_os("LEPTOS_WATCH")?;
    let site = env::var_os("LEPTOS_SITE_ROOT")?.into();
    Some(Site::Watched { site, style: PathBuf::from("style") })
}

pub(crate) async fn told_to_stop() {
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
pub(crate) fn raise_file_limit() {
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
