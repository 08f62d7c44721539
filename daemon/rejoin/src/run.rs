//! The whole daemon: lock, tasks, listener, signals. Read this to see how it is put together and how it stops.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rejoin_connector::Role;
use rejoin_model::campaign::UnknownPolicy;
use rejoin_web::{Intake, Limits, Rate, Rules, Web};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock;
use crate::commands::{load, open};
use crate::config::Settings;
use crate::failure::Failure;
use crate::site::Site;
use crate::tasks;

/// A stop may take this long; what is still on the wire then becomes `unknown`.
const DRAIN: Duration = Duration::from_secs(25);

/// `rejoin run`: until SIGTERM or SIGINT.
pub async fn run(config: &Path) -> Result<(), Failure> {
    init_tracing();
    let site = open(config).await?;
    // Held until the process ends; the kernel drops it even on kill -9.
    let _lock = site.store.lock_daemon()?;
    let daemon = Daemon::start(site).await?;
    println!("rejoin is up at http://{}", daemon.address);
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    signals(&daemon, config).await?;
    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
    Ok(())
}

/// A running daemon. `demo` and `campaign run` start the same one.
pub struct Daemon {
    pub site: Arc<Site>,
    /// Where HTTP listens.
    pub address: std::net::SocketAddr,
    web: Web,
    tasks: tokio::sync::Mutex<Tasks>,
    stop_web: watch::Sender<bool>,
    listener: tokio::task::JoinHandle<()>,
}

/// The running tasks and the way to stop them.
struct Tasks {
    stop: watch::Sender<bool>,
    set: JoinSet<()>,
}

impl Tasks {
    fn start(site: &Arc<Site>) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self { set: tasks::spawn_all(site, &stopped), stop }
    }

    async fn finish(&mut self) {
        if self.stop.send(true).is_err() {
            tracing::debug!("no task was running");
        }
        while let Some(ended) = self.set.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task ended by panic");
            }
        }
    }
}

impl Daemon {
    /// Settles what a crash left open, listens, starts the tasks.
    pub async fn start(site: Arc<Site>) -> Result<Self, Failure> {
        settle_orphans(&site).await?;
        let settings = site.settings();
        let listener = TcpListener::bind(settings.http.listen).await.map_err(|e| {
            Failure::new("RJ-W001", format!("cannot listen on {}: {e}", settings.http.listen))
                .hint("another program may be using the port; set http.listen to a free one")
        })?;
        let address = listener.local_addr()?;
        let started = Arc::new(AtomicBool::new(false));
        let web = web_of(&site, Arc::clone(&started));
        let (stop_web, stopped) = watch::channel(false);
        let router = rejoin_web::router(web.clone());
        let listener = tokio::spawn(rejoin_web::serve(listener, router, Limits::default(), stopped));
        let tasks = tokio::sync::Mutex::new(Tasks::start(&site));
        started.store(true, Ordering::Release);
        Ok(Self { site, address, web, tasks, stop_web, listener })
    }

    /// Takes a new configuration: the tasks finish their step, then start again on it.
    async fn reload(&self, settings: Settings) {
        let old = self.site.settings();
        if old.store_url != settings.store_url || old.http.listen != settings.http.listen {
            tracing::warn!("store.url and http.listen are taken at start only: restart for the new ones");
        }
        let mut tasks = self.tasks.lock().await;
        tasks.finish().await;
        self.site.replace_settings(settings).await;
        self.web.replace_rules(rules_of(&self.site.settings()));
        *tasks = Tasks::start(&self.site);
    }

    /// Stops intake, lets every task finish its step, ends the children.
    pub async fn stop(self) {
        if self.stop_web.send(true).is_err() {
            tracing::debug!("the listener had already ended");
        }
        let drained = tokio::time::timeout(DRAIN, async {
            let mut tasks = self.tasks.lock().await;
            let (_, web) = tokio::join!(tasks.finish(), self.listener);
            web
        });
        match drained.await {
            Ok(Ok(())) => tracing::info!("stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the listener ended by panic"),
            Err(_) => {
                tracing::warn!("not everything ended within {DRAIN:?}; what was on the wire becomes unknown")
            }
        }
        self.site.stop_connectors().await;
    }
}

/// Messages that were on the wire when the daemon last died: nobody knows, and nobody asks twice.
pub async fn settle_orphans(site: &Site) -> Result<(), Failure> {
    let settings = site.settings();
    let resend: Vec<String> = settings
        .campaigns
        .iter()
        .filter(|c| c.campaign.unknown == UnknownPolicy::Resend)
        .map(|c| c.campaign.name.clone())
        .collect();
    let orphans = site.store.orphans(clock::now(), &resend).await?;
    if orphans > 0 {
        tracing::warn!(
            messages = orphans,
            "messages were on the wire when the daemon died: their fate is unknown"
        );
    }
    Ok(())
}

async fn signals(daemon: &Daemon, config: &Path) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hang_up.recv() => reload(daemon, config).await,
        }
    }
}

async fn reload(daemon: &Daemon, config: &Path) {
    tell_systemd(&[sd_notify::NotifyState::Reloading]);
    match load(config).await {
        Ok((settings, _)) => {
            crate::commands::warn_of_refused(&settings);
            daemon.reload(settings).await;
            tracing::info!("the new configuration is in force");
        }
        Err(failure) => {
            failure.print();
            tracing::error!("the new configuration is wrong; the old one stays in force");
        }
    }
    tell_systemd(&[sd_notify::NotifyState::Ready]);
}

fn web_of(site: &Arc<Site>, started: Arc<AtomicBool>) -> Web {
    let (waking, judging) = (Arc::clone(site), Arc::clone(site));
    Web::new(
        site.store.clone(),
        rules_of(&site.settings()),
        Arc::clone(&site.keys.token),
        clock::now,
        move || waking.wake.ingest.notify_waiters(),
        move || {
            if !started.load(Ordering::Acquire) {
                return Err("still starting".to_owned());
            }
            judging.store.writable().map_err(|e| e.to_string())
        },
    )
}

fn rules_of(settings: &Settings) -> Rules {
    let webhooks = settings.connectors.iter().filter(|c| c.has_role(Role::Webhook));
    let intakes = webhooks.map(|c| {
        let rate = c.intake.rate.map(|r| Rate {
            count: r.count,
            window: Duration::from_millis(u64::try_from(r.window_ms).unwrap_or_default()),
        });
        let intake = Intake::new(
            rate,
            c.intake.signature_secrets.clone(),
            c.intake.redirect.clone(),
            c.intake.thanks.clone(),
        );
        (c.name.to_string(), intake)
    });
    Rules {
        site_name: settings.site.name.clone(),
        language: settings.site.language.clone(),
        body_bytes_max: settings.http.body_bytes_max,
        intakes: intakes.collect(),
    }
}

/// Outside systemd there is nobody to tell, which is fine.
fn tell_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told");
    }
}

/// Logs go to standard error: `REJOIN_LOG=debug`, or per module as `tracing` writes it.
fn init_tracing() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("REJOIN_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    if subscriber.try_init().is_err() {
        tracing::debug!("logging was already set up");
    }
}
