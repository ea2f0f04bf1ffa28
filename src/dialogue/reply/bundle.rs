//! The Fluent files, parsed once for each language and way of rendering.

use super::{Mode, verbalise::number::cardinal};
use crate::lang::Language;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

macro_rules! files {
    ($language:literal) => {
        &[
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/talk.ftl"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/search.ftl"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/cart.ftl"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/checkout.ftl"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/orders.ftl"
            )),
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/assets/locales/",
                $language,
                "/shop.ftl"
            )),
        ]
    };
}

/// The Fluent files of a language, as written.
pub(super) fn sources(language: Language) -> &'static [&'static str] {
    match language {
        Language::En => files!("en"),
        Language::Fr => files!("fr"),
    }
}

type Bundle = FluentBundle<FluentResource>;

fn build(language: Language, mode: Mode) -> Bundle {
    // A code that cannot be read would only lose plural rules; a test sees them work.
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    // Isolation marks are for mixed directions; a voice would trip over them.
    bundle.set_use_isolating(false);
    if mode == Mode::Speech {
        bundle.set_formatter(Some(match language {
            Language::En => english_number,
            Language::Fr => french_number,
        }));
    }
    for source in sources(language) {
        // A file with an error keeps its good messages; a test reads all of them strictly.
        let resource = match FluentResource::try_new((*source).to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn english_number<M>(value: &FluentValue, _: &M) -> Option<String> {
    spoken(Language::En, value)
}

fn french_number<M>(value: &FluentValue, _: &M) -> Option<String> {
    spoken(Language::Fr, value)
}

fn spoken(language: Language, value: &FluentValue) -> Option<String> {
    match value {
        FluentValue::Number(n) if n.value >= 0.0 => Some(cardinal(language, n.value as u64)),
        _ => None,
    }
}

static EN_TEXT: LazyLock<Bundle> = LazyLock::new(|| build(Language::En, Mode::Text));
static EN_SPEECH: LazyLock<Bundle> = LazyLock::new(|| build(Language::En, Mode::Speech));
static FR_TEXT: LazyLock<Bundle> = LazyLock::new(|| build(Language::Fr, Mode::Text));
static FR_SPEECH: LazyLock<Bundle> = LazyLock::new(|| build(Language::Fr, Mode::Speech));

/// A message as a sentence.
pub(super) fn format(language: Language, mode: Mode, key: &str, args: &FluentArgs) -> String {
    let bundle: &Bundle = match (language, mode) {
        (Language::En, Mode::Text) => &EN_TEXT,
        (Language::En, Mode::Speech) => &EN_SPEECH,
        (Language::Fr, Mode::Text) => &FR_TEXT,
        (Language::Fr, Mode::Speech) => &FR_SPEECH,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
        return format!("{{{key}}}");
    };
    let mut errors = Vec::new();
    bundle
        .format_pattern(pattern, Some(args), &mut errors)
        .into_owned()
}
