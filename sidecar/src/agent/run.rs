//! The sidecar as a whole: reads its source, resolves names, and gives each Envoy's room what it is to have.

mod heed;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};
use zoneway_core::name::NodeId;
use zoneway_site::Names;

use super::board::{Board, SourceNow};
use super::certificates::Certificates;
use super::cluster::{ClusterNow, Hand, Report};
use super::config::{Config, Listen};
use super::envoy_metrics::EnvoyMetrics;
use super::feed::Time;
use super::feeder::{Feeder, Wanted};
use super::intake::{Intake, Kept};
use super::lookup;
use super::metrics::Metrics;
use super::name_book::{Change, NameBook};
use super::node_picture::{Books, NodePicture, Views};
use super::outside::Outlets;
use super::picture::{Kind, Meant};
use super::server;
use super::shared::Shared;
use super::source_room::{Said, SourceError, SourceRoom};
use super::state_folder::{StateError, StateFolder};
use super::table_endpoint::PathError;
use crate::envoy::XdsFolder;
use crate::sources::cluster::picture::{Note, ZoneSummary};
use heed::Keeping;

/// How long the first view waits for names that were never looked up before.
const NAMES_WITHIN: Duration = Duration::from_secs(3);

/// Why the sidecar cannot run at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// Its state folder is not to be had.
    #[error(transparent)]
    State(#[from] StateError),
    /// It cannot listen.
    #[error("{place}: {source}: `listen` needs an address or socket that is free")]
    Listen {
        /// Where.
        place: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A part of it ended by a fault of this program.
    #[error("a part of the sidecar ended: {0}: it has to be started again, and this is a fault to report")]
    Room(#[source] tokio::task::JoinError),
    /// It cannot be told to stop.
    #[error("signals cannot be received: {0}")]
    Signals(#[source] io::Error),
}

/// Runs until SIGTERM or SIGINT. `allow_shrink`: what is missing in the source at this start is meant to be.
///
/// # Errors
/// When there is no state folder, no place to listen, or no way to be told to stop.
pub(crate) async fn run(config: Config, allow_shrink: bool) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(RunError::Signals)?;
    let (mut agent, feeders) = Agent::new(config)?;
    // Dropped with everything in it when this returns.
    let mut rooms = JoinSet::new();
    for place in agent.config.listen.clone() {
        let listener = server::listen(&place)
            .await
            .map_err(|source| RunError::Listen { place: place.to_string(), source })?;
        tell_place(&place, &listener);
        rooms.spawn(server::serve(listener, Arc::clone(&agent.shared)));
    }
    let kept = (agent.kind == Kind::Delivered).then(|| agent.intake.text()).flatten();
    let mut source = SourceRoom::start(&agent.config, kept, &agent.shared, &mut rooms).await?;
    if let Some(cluster) = source.cluster() {
        let who = agent.nodes.first().map_or("zoneway", |(node, _)| node.as_str());
        let start = |lease| Hand::start(cluster.client(), lease, who, &mut rooms);
        let hand = agent.config.lease.as_ref().map(start);
        let now = ClusterNow::new(cluster.pulse().clone(), hand.as_ref().map(Hand::lease));
        agent.shared.board.set_cluster(now);
        agent.hand = hand;
    }
    if let Some(mounted) = agent.config.certificates.clone() {
        rooms.spawn(mounted.run());
    }
    let shared = Arc::clone(&agent.shared);
    rooms.spawn(async move { shared.certificates.warn().await });
    if let (Some(outside), Some((own, _))) = (agent.config.outside.clone(), agent.nodes.first()) {
        let lease = agent.hand.as_ref().map(Hand::lease);
        agent.outlets = Some(Outlets::new(outside, own.clone(), lease, Arc::clone(&agent.shared)));
    }
    let (answer, mut answers) = mpsc::channel(64);
    agent.read(&mut source, allow_shrink, &mut rooms).await;
    for feeder in feeders {
        rooms.spawn(feeder.run());
    }
    loop {
        for name in agent.book.due(agent.shared.now()) {
            let (answer, servers) = (answer.clone(), agent.config.dns_servers.clone());
            rooms.spawn(async move {
                let found = lookup::addresses(&name, &servers).await;
                let _ = answer.send((name, found)).await;
            });
        }
        agent.settle(&mut rooms);
        agent.keep();
        while let Some(ended) = rooms.try_join_next() {
            match ended {
                // The room of a public node that is not ours any more.
                Err(error) if error.is_cancelled() => {}
                ended => ended.map_err(RunError::Room)?,
            }
        }
        let pause = agent.pause();
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => {
                info!("SIGHUP: {} is read, and what went from it is confirmed", agent.name);
                agent.read(&mut source, true, &mut rooms).await;
            }
            () = source.changed() => agent.read(&mut source, false, &mut rooms).await,
            Some((name, found)) = answers.recv() => agent.answered(&name, found),
            () = tokio::time::sleep(pause) => agent.tick().await,
        }
    }
    agent.kept().await;
    if let Some(hand) = agent.hand.take() {
        hand.stop().await;
    }
    info!("stopping: what each Envoy has serves on");
    rooms.shutdown().await;
    Ok(())
}

fn tell_place(place: &Listen, listener: &server::Listener) {
    match listener {
        server::Listener::Tcp(tcp) => {
            let address =
                tcp.local_addr().map_or_else(|_| place.to_string(), |address| format!("http://{address}"));
            info!("serving /metrics, /healthz, /readyz and /v1/status at {address}");
        }
        server::Listener::Unix(..) => info!("serving /metrics, /healthz, /readyz and /v1/status at {place}"),
    }
}

struct Agent {
    config: Config,
    /// What its source is called.
    name: String,
    kind: Kind,
    shared: Arc<Shared>,
    intake: Intake,
    book: NameBook,
    /// What was computed last, and of what.
    computed: Option<(Arc<Meant>, Names)>,
    /// The views that were computed last.
    books: Books,
    /// Whether what went from the source is meant to go, when it is read next.
    confirmed: bool,
    /// When what serves is to be kept on the disk, where it is not yet.
    keep_at: Option<Time>,
    /// What is being written to the disk now.
    keeping: Option<Keeping>,
    /// When the source changed so that what serves is another than before.
    changed_at: Option<Instant>,
    /// Until when names that were never looked up are waited for.
    names_until: Option<Time>,
    warnings: Vec<PathError>,
    /// What writes into the cluster, where that is set up.
    hand: Option<Hand>,
    /// The public nodes that are fed from here.
    outlets: Option<Outlets>,
    /// What is to be told of the cluster's objects, and its zones.
    told: Option<(Vec<Note>, Vec<ZoneSummary>)>,
    nodes: Vec<(NodeId, watch::Sender<Wanted>)>,
}

impl Agent {
    /// The agent, and a room for each Envoy. What was kept from an earlier run serves until the source is read, and
    /// tells each room what its Envoy may serve now.
    fn new(config: Config) -> Result<(Self, Vec<Feeder>), RunError> {
        let state = StateFolder::open(&config.state)?;
        let (name, kind) = (config.source.name(), config.source.kind());
        // Home holds what went from its source; its outpost does as home says.
        let hold = if kind == Kind::Delivered { Duration::ZERO } else { config.hold };
        let mut intake = Intake::new(hold);
        match state.kept::<Kept>() {
            Ok(None) => {}
            Ok(Some(kept)) => match intake.restore(kept, kind, Path::new(&name), Time::ZERO) {
                Ok(()) => {}
                Err(faults) => {
                    for fault in faults {
                        warn!("{}: what was kept is of no use: {fault}", config.state.display());
                    }
                }
            },
            Err(error) => warn!("{error}"),
        }
        let addresses = state.addresses().unwrap_or_else(|error| {
            warn!("{error}");
            Default::default()
        });
        let source = SourceNow {
            file: name.clone(),
            serving: intake.serving(),
            read_at: None,
            errors: Vec::new(),
            warnings: Vec::new(),
            held: Vec::new(),
        };
        let envoys = config.envoys.iter().filter_map(|envoy| envoy.files.as_ref());
        let folders = envoys.map(|files| XdsFolder::new(files.folder.clone())).collect();
        let shared = Arc::new(Shared {
            start: Instant::now(),
            board: Board::new(source),
            metrics: Metrics::new(),
            back_after: config.back_after,
            state: Mutex::new(state),
            certificates: Certificates::new(folders),
            envoys: EnvoyMetrics::new(&config.envoys),
        });
        let mut book = NameBook::new(addresses);
        if let Some(Meant::Site(site)) = intake.serves().map(AsRef::as_ref) {
            book.want(site.names());
        }
        let names = book.names();
        let mut books = Books::new();
        let mut kept = intake.serves().map(|meant| Views::new(meant, &names, &mut books));
        let mut nodes = Vec::new();
        let mut feeders = Vec::new();
        for places in &config.envoys {
            let before = kept.as_mut().and_then(|views| views.picture(&places.node).ok()).map(Arc::new);
            let (sender, wanted) = watch::channel(None);
            nodes.push((places.node.clone(), sender));
            feeders.push(Feeder::new(places.clone(), before, wanted, Arc::clone(&shared)));
        }
        let warnings = Vec::new();
        let agent = Self {
            config,
            name,
            kind,
            shared,
            intake,
            book,
            computed: None,
            books,
            confirmed: false,
            keep_at: None,
            keeping: None,
            changed_at: None,
            names_until: None,
            warnings,
            hand: None,
            outlets: None,
            told: None,
            nodes,
        };
        Ok((agent, feeders))
    }

    /// Reads the source. `confirmed`: what went from it is meant to go.
    async fn read(&mut self, source: &mut SourceRoom, confirmed: bool, rooms: &mut JoinSet<()>) {
        self.confirmed |= confirmed;
        let begun = Instant::now();
        let before = self.intake.own().cloned();
        let said = source.read(confirmed, before.as_deref()).await;
        let Some(Said { picture, changed_at, told }) = said else { return };
        let confirmed = std::mem::take(&mut self.confirmed);
        self.shared.metrics.reloaded(picture.is_ok());
        if self.intake.read_at().is_none() {
            // From here on it is more than what was kept, even where it is the same.
            self.computed = None;
        }
        let notices = self.intake.read(picture, confirmed, self.shared.now());
        self.changed_at = changed_at;
        self.heed(notices).await;
        self.told = told;
        self.settle(rooms);
        source.dealt_with(begun);
    }

    async fn tick(&mut self) {
        let notices = self.intake.tick(self.shared.now());
        self.heed(notices).await;
    }

    fn answered(&mut self, name: &str, found: Result<(Vec<std::net::IpAddr>, Duration), String>) {
        match self.book.answered(name, found, self.shared.now()) {
            Change::None => {}
            Change::Address(address) => {
                info!(name, %address, "resolved");
                let state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = state.keep_addresses(self.book.known()) {
                    warn!("addresses are not kept over a restart: {error}");
                }
            }
            Change::Lost(message) => match self.book.known().get(name) {
                Some(address) => warn!(name, %address, "does not resolve, its last address stays: {message}"),
                None => warn!(name, "does not resolve, what needs it is left out: {message}"),
            },
            Change::Back => info!(name, "resolves again"),
        }
    }

    /// Computes what each Envoy is to have, where anything that it comes of has changed; tells the board.
    fn settle(&mut self, rooms: &mut JoinSet<()>) {
        if let Some(meant) = self.intake.serves().cloned() {
            if let Meant::Site(site) = meant.as_ref() {
                self.book.want(site.names());
            }
            let now = self.shared.now();
            if self.book.is_ready() {
                self.names_until = None;
            } else {
                let until = *self.names_until.get_or_insert(now + NAMES_WITHIN);
                if now < until {
                    self.tell();
                    return;
                }
            }
            let names = self.book.names();
            if !self.computed.as_ref().is_some_and(|(of, with)| Arc::ptr_eq(of, &meant) && *with == names) {
                self.compute(&meant, &names, rooms);
                self.computed = Some((Arc::clone(&meant), names.clone()));
            }
            if let (Some((notes, zones)), Some(hand)) = (self.told.take(), &self.hand) {
                hand.report(Report { notes, zones, meant, names });
            }
        }
        self.tell();
    }

    fn compute(&mut self, meant: &Arc<Meant>, names: &Names, rooms: &mut JoinSet<()>) {
        let mut views = Views::new(meant, names, &mut self.books);
        let changed_at = self.changed_at.take();
        for (node, wanted) in &self.nodes {
            let picture = views.picture(node).map(|picture| NodePicture { changed_at, ..picture });
            wanted.send_replace(Some(picture.map(Arc::new).map_err(|error| error.to_string())));
        }
        // Of several candidates the one that takes the lease may have nothing but what it kept from an earlier run: what the
        // one before has delivered is newer.
        let may_deliver = self.hand.is_none() || self.intake.read_at().is_some();
        if let Some(outlets) = self.outlets.as_mut().filter(|_| may_deliver) {
            outlets.give(meant, &mut views, rooms);
        }
        for warning in &views.warnings {
            if !self.warnings.contains(warning) {
                warn!("{}: {warning}", self.name);
            }
        }
        self.warnings = views.warnings;
    }

    fn tell(&self) {
        let start = self.shared.start;
        let now = Instant::now();
        self.shared.board.set_source(SourceNow {
            file: self.name.clone(),
            serving: self.intake.serving(),
            read_at: self.intake.read_at().map(|at| start + at),
            errors: self.intake.errors().to_vec(),
            warnings: self.warnings.clone(),
            held: self
                .intake
                .held(now.saturating_duration_since(start))
                .into_iter()
                .map(|held| (held.host, now + Duration::from_secs(held.left_s)))
                .collect(),
        });
    }

    /// How long nothing is to be done.
    fn pause(&self) -> Duration {
        let waiting = self.names_until.filter(|until| *until > self.shared.now());
        let due = [self.intake.next(), self.book.next(), waiting, self.keep_at].into_iter().flatten().min();
        due.map_or(Duration::from_secs(3600), |due| due.saturating_sub(self.shared.now()))
    }
}
