//! Everything a session stands on: engines, catalog and orders, rules, voices.

use super::{
    Engines, Needs,
    backend::{BackendError, BackendLink, DeskLink},
    counter::{Counter, os_random},
    launch::LaunchError,
    menu::{self, Board},
    supervisor::WorkerError,
    voices::{Ears, Model},
};
use crate::{
    dialogue::{
        event::{Activation, Surface},
        policy::Policy,
    },
    lang::Language,
    nlu::Interpreter,
    session::{Session, Setup, Speech, clock::Clock, desk::DeskThread},
    settings::{self, Settings},
    shop::{
        info::ShopInfo,
        load::{self, LoadError},
        store::{Store, StoreError},
    },
    sync,
    tts::Synthesize,
    vad::VadSettings,
};
use jiff::{Timestamp, tz::TimeZone};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Why there is nothing to stand on.
#[derive(Debug, thiserror::Error)]
pub enum FrontError {
    /// An engine cannot be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// An engine does not become ready.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The shop's data cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The shop's folder cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The shop's backend cannot be used.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// A folder cannot be made.
    #[error("expected to make a folder: {0}")]
    Folder(#[from] std::io::Error),
}

/// How long the engines may take until they are ready.
const READY: Duration = Duration::from_secs(60);
/// How long the language model may take to read its instructions, the first time.
const WARM: Duration = Duration::from_secs(240);
/// After so long the user is told what is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A shop, open for sessions.
pub struct Shopfront {
    settings: Settings,
    engines: Arc<Engines>,
    info: ShopInfo,
    desk: Arc<DeskThread>,
    menus: Board,
    backend: Option<BackendLink>,
    /// Ends what keeps the catalog new.
    stop: CancellationToken,
    _scratch: Option<Scratch>,
}

impl Shopfront {
    /// Opens the shop of the data folder, with the engines that are needed, and waits until
    /// they are ready. An empty data folder gets the sample shop.
    ///
    /// With `shop`, that folder's shop: in the data folder that the settings name, or in one
    /// that ends with us, so that the user's own shop stays as it is.
    ///
    /// # Errors
    /// [`FrontError`] says what is missing and what to do.
    pub async fn open(
        settings: Settings,
        shop: Option<&Path>,
        needs: Needs,
    ) -> Result<Self, FrontError> {
        Self::open_shop(settings, shop, needs, false).await
    }

    /// The same for customers: where the settings name a backend, orders are sent to it. A shop
    /// that ends with us is no customer's, and has none.
    ///
    /// # Errors
    /// [`FrontError`] says what is missing and what to do.
    pub async fn open_for_customers(
        settings: Settings,
        shop: Option<&Path>,
        needs: Needs,
    ) -> Result<Self, FrontError> {
        Self::open_shop(settings, shop, needs, true).await
    }

    async fn open_shop(
        mut settings: Settings,
        shop: Option<&Path>,
        needs: Needs,
        customers: bool,
    ) -> Result<Self, FrontError> {
        let scratch = if shop.is_some() && settings.data.as_os_str().is_empty() {
            let scratch = Scratch::new()?;
            settings.data = scratch.path().to_owned();
            Some(scratch)
        } else {
            None
        };
        if customers && settings.backend.is_set() && scratch.is_some() {
            tracing::warn!(
                "a shop of --shop without --data is for trying out: its orders are not sent"
            );
        }
        let backend = if customers && settings.backend.is_set() && scratch.is_none() {
            Some(BackendLink::open(&settings.backend, &settings.data_folder()).await?)
        } else {
            None
        };
        // The workers load while the shop is opened.
        let engines = Arc::new(Engines::start(&settings, needs, false).await?);
        // The settings' feeds are of the shop in the data folder, not of one to try out.
        let is_own = shop.is_none();
        let (data, shop) = (settings.data_folder(), shop.map(Path::to_owned));
        let link = backend.as_ref().map(BackendLink::desk);
        let (desk, info, menus) = open_desk(data, shop, link).await?;
        let front = Self {
            settings,
            engines,
            info,
            desk,
            menus,
            backend,
            stop: CancellationToken::new(),
            _scratch: scratch,
        };
        if customers && is_own {
            front.keep_catalog();
        }
        front.wait_for_engines(needs).await?;
        Ok(front)
    }

    /// Syncs the catalog as its sources are due, and keeps up with it.
    fn keep_catalog(&self) {
        let (folder, stop) = (self.settings.data_folder(), self.stop.clone());
        let sources = self.settings.catalog.clone();
        tokio::spawn(sync::catalog::schedule(
            folder.clone(),
            sources,
            Timestamp::now,
            fastrand::u64(..),
            stop.clone(),
        ));
        tokio::spawn(self.menus.clone().keep(folder, menu::EVERY, stop));
    }

    /// A shop of its own in another data folder, on the same engines.
    ///
    /// # Errors
    /// When the shop cannot be loaded.
    pub async fn beside(&self, data: &Path, shop: Option<&Path>) -> Result<Self, FrontError> {
        let (desk, info, menus) =
            open_desk(data.to_owned(), shop.map(Path::to_owned), None).await?;
        let mut settings = self.settings.clone();
        settings.data = data.to_owned();
        Ok(Self {
            settings,
            engines: self.engines.clone(),
            info,
            desk,
            menus,
            backend: None,
            stop: CancellationToken::new(),
            _scratch: None,
        })
    }

    async fn wait_for_engines(&self, needs: Needs) -> Result<(), FrontError> {
        if needs.stt {
            self.engines.stt.uri(READY).await?;
        }
        if needs.tts {
            self.engines.tts.uri(READY).await?;
        }
        if needs.llm {
            warm(&self.engines, &self.settings).await;
        }
        Ok(())
    }

    /// A session that hears recordings: their clock goes on by their length.
    #[must_use]
    pub fn hearing(&self, language: Option<Language>) -> Session {
        let clock = Clock::moved_by_hand(Timestamp::now(), self.zone());
        self.session(language, clock)
    }

    /// A session in writing, on the machine's clock.
    #[must_use]
    pub fn chatting(&self, language: Language) -> Session {
        self.session(Some(language), Clock::wall(self.zone()))
    }

    /// A session at the microphone, on the machine's clock.
    #[must_use]
    pub fn live(&self, language: Option<Language>, activation: Activation) -> Session {
        // It stands in public, and has no screen of its own yet.
        let surface = Surface {
            screen: false,
            public: true,
        };
        self.session_by(language, Clock::wall(self.zone()), activation, surface)
    }

    fn session(&self, language: Option<Language>, clock: Clock) -> Session {
        // Whoever types a command or plays a recording has begun the session by hand.
        let surface = Surface {
            screen: true,
            public: false,
        };
        self.session_by(language, clock, Activation::Touch, surface)
    }

    fn session_by(
        &self,
        language: Option<Language>,
        clock: Clock,
        activation: Activation,
        surface: Surface,
    ) -> Session {
        let s = &self.settings;
        Session::new(
            (self.info.clone(), Policy::of(&self.info)),
            self.desk.clone(),
            interpreter(&self.engines, s).with_menus({
                let board = self.menus.clone();
                Arc::new(move || board.menus())
            }),
            Speech {
                ears: Some(Arc::new(Ears::of(self.engines.clone()))),
                voice: self
                    .engines
                    .tts
                    .is_there()
                    .then(|| super::voice(&self.engines, s)),
            },
            Setup {
                language,
                default_language: s.language,
                languages: s.languages.clone(),
                activation,
                surface,
                stt_deadline: Duration::from_millis(s.stt.deadline_ms),
                tts_deadline: Duration::from_millis(s.tts.deadline_ms),
            },
            clock,
        )
    }

    /// The shop's time zone.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.info.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// When an utterance ends, by the settings.
    #[must_use]
    pub fn vad(&self) -> VadSettings {
        vad(&self.settings.vad)
    }

    /// The engines.
    #[must_use]
    pub fn engines(&self) -> &Engines {
        &self.engines
    }

    /// The voice, with its kept phrases, where there is one.
    #[must_use]
    pub fn voice(&self) -> Option<Arc<dyn Synthesize>> {
        self.engines
            .tts
            .is_there()
            .then(|| super::voice(&self.engines, &self.settings))
    }

    /// The engines, for a request of one's own.
    #[must_use]
    pub fn shared_engines(&self) -> Arc<Engines> {
        self.engines.clone()
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The shop's side of the loop.
    #[must_use]
    pub fn desk(&self) -> &DeskThread {
        &self.desk
    }

    /// The link to the shop's backend, where there is one.
    #[must_use]
    pub fn backend(&self) -> Option<&BackendLink> {
        self.backend.as_ref()
    }

    /// Ends the workers, and what runs beside the conversation.
    pub async fn close(self) {
        self.stop.cancel();
        let backend = async {
            if let Some(backend) = self.backend {
                backend.close().await;
            }
        };
        tokio::join!(self.engines.stop(), backend);
    }
}

/// Has the language model read its instructions, and tells the user when that takes long or
/// cannot be: the lexical parser stands in then.
async fn warm(engines: &Arc<Engines>, settings: &Settings) {
    let model = Model::of(engines.clone(), settings);
    let second = Model::second_of(engines.clone(), settings);
    let warm = async {
        let first = model.warm(WARM).await;
        match &second {
            Some(second) => first.and(second.warm(WARM).await),
            None => first,
        }
    };
    tokio::pin!(warm);
    let told = tokio::select! {
        done = &mut warm => Some(done),
        () = tokio::time::sleep(PATIENCE) => None,
    };
    let done = match told {
        Some(done) => done,
        None => {
            anstream::eprintln!(
                "The language model reads its instructions (about a minute, the first time only) ..."
            );
            warm.await
        }
    };
    if let Err(e) = done {
        anstream::eprintln!("warning: {e}; understanding by cue words only");
    }
}

/// The interpreter of these engines.
fn interpreter(engines: &Arc<Engines>, settings: &Settings) -> Interpreter {
    let deadline = Duration::from_millis(settings.llm.deadline_ms);
    let model = (settings.llm.profile != settings::LlmProfile::None)
        .then(|| Arc::new(Model::of(engines.clone(), settings)) as _);
    let second = Model::second_of(engines.clone(), settings).map(|m| Arc::new(m) as _);
    Interpreter::new(model)
        .with_deadline(deadline)
        .with_second(second, settings.llm.second_below)
}

/// Understanding alone: the language model, without ears, voice or shop.
pub struct Mind {
    settings: Settings,
    engines: Arc<Engines>,
}

impl Mind {
    /// Starts the language model and waits until it has read its instructions.
    ///
    /// # Errors
    /// When the model folder cannot be told; a missing model is told and stood in for.
    pub async fn open(settings: &Settings) -> Result<Self, FrontError> {
        let needs = Needs {
            llm: true,
            ..Needs::default()
        };
        let engines = Arc::new(Engines::start(settings, needs, false).await?);
        if engines.llm.is_there() {
            warm(&engines, settings).await;
        }
        Ok(Self {
            settings: settings.clone(),
            engines,
        })
    }

    /// The interpreter.
    #[must_use]
    pub fn interpreter(&self) -> Interpreter {
        interpreter(&self.engines, &self.settings)
    }

    /// The process of the language model, where it is ours.
    #[must_use]
    pub fn llm_pid(&self) -> Option<u32> {
        self.engines.llm.pid()
    }

    /// Ends the worker.
    pub async fn close(self) {
        self.engines.stop().await;
    }
}

/// Opens the store on its thread, loading a shop where it is wanted or where there is none.
async fn open_desk(
    data: PathBuf,
    shop: Option<PathBuf>,
    backend: Option<DeskLink>,
) -> Result<(Arc<DeskThread>, ShopInfo, Board), FrontError> {
    tokio::task::spawn_blocking(move || {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let desk = DeskThread::spawn(move || -> Result<Counter, FrontError> {
            let now = Timestamp::now();
            let mut store = Store::open(&data)?;
            if let Some(shop) = &shop {
                load::folder(&mut store, shop, now)?;
            } else if store.stats(now)?.products == 0 {
                load::sample(&mut store, now)?;
            }
            let info = load::info(&store)?;
            let menus = menu::read(&store, now)?;
            let counter = Counter::new(store, &info, os_random()).with_backend(backend);
            let _ = tell.send((info, menus));
            Ok(counter)
        })?;
        let (info, menus) = told.recv().unwrap_or_default();
        Ok((Arc::new(desk), info, Board::of(menus)))
    })
    .await
    .unwrap_or_else(|e| Err(FrontError::Folder(std::io::Error::other(e.to_string()))))
}

/// How many products the data folder's catalog has.
///
/// # Errors
/// When it cannot be read.
pub async fn products(settings: &Settings) -> Result<u64, FrontError> {
    let data = settings.data_folder();
    tokio::task::spawn_blocking(move || Ok(Store::open(&data)?.stats(Timestamp::now())?.products))
        .await
        .unwrap_or_else(|e| Err(FrontError::Folder(std::io::Error::other(e.to_string()))))
}

/// The detector's settings from the user's.
#[must_use]
pub fn vad(s: &settings::Vad) -> VadSettings {
    VadSettings {
        endpoint_ms: s.silence_ms.into(),
        min_speech_ms: s.min_speech_ms.into(),
        max_utterance_ms: s.max_utterance_ms.into(),
        ..VadSettings::default()
    }
}

/// A folder that is removed at the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> std::io::Result<Self> {
        let name = format!("comptoir-{}", uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
