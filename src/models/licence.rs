//! Which model may load, by `models.licences` of the settings.

use crate::models::manifest::{Commercial, Model};
use crate::settings::Licences;

/// A model that the policy keeps from loading. The message is what to tell the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "model `{id}` may not be used in trade: licence {licence}, commercial use {commercial}{note}; \
     choose another model, or accept this one with models.accept = [\"{licence}\"] once you have cleared it"
)]
pub struct LicenceRefusal {
    /// The model.
    pub id: String,
    /// Its licence.
    pub licence: String,
    /// `no` or `unknown`.
    pub commercial: &'static str,
    /// The manifest's note in brackets, or nothing.
    note: String,
}

/// Whether a model may load.
///
/// `accepted` lists licences (as the manifest names them) or model ids that the shop has
/// cleared for itself.
pub fn may_load(
    model: &Model,
    licences: Licences,
    accepted: &[String],
) -> Result<(), LicenceRefusal> {
    let cleared = accepted
        .iter()
        .any(|name| *name == model.licence || *name == model.id);
    match (licences, model.commercial) {
        (Licences::Any, _) | (_, Commercial::Yes) => Ok(()),
        _ if cleared => Ok(()),
        (Licences::Commercial, commercial) => Err(LicenceRefusal {
            id: model.id.clone(),
            licence: model.licence.clone(),
            commercial: commercial.name(),
            note: model
                .licence_note
                .as_ref()
                .map(|n| format!(" ({n})"))
                .unwrap_or_default(),
        }),
    }
}

/// One line on what a model's licence allows: what is printed while trying out.
pub fn sentence(model: &Model) -> String {
    let trade = match model.commercial {
        Commercial::Yes => "may be used in trade",
        Commercial::No => "not for use in trade",
        Commercial::Unknown => "use in trade not established",
    };
    let note = model
        .licence_note
        .as_ref()
        .map(|n| format!(" ({n})"))
        .unwrap_or_default();
    format!("{}: {}, {trade}{note}", model.id, model.licence)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::models::Manifest;

    #[test]
    fn while_trying_out_everything_loads_and_says_what_it_is() {
        let manifest = Manifest::embedded().unwrap();
        let joe = manifest.get("piper-en-joe").unwrap();
        assert_eq!(may_load(joe, Licences::Any, &[]), Ok(()));
        assert!(sentence(joe).starts_with("piper-en-joe: CC0-1.0, not for use in trade (the data"));
    }

    #[test]
    fn a_shop_gets_only_what_it_may_trade_with() {
        let manifest = Manifest::embedded().unwrap();
        let load = |id: &str, accepted: &[&str]| {
            let accepted: Vec<_> = accepted.iter().map(ToString::to_string).collect();
            may_load(manifest.get(id).unwrap(), Licences::Commercial, &accepted)
        };
        assert_eq!(load("whisper-base", &[]), Ok(()));
        let refusal = load("piper-en-joe", &[]).unwrap_err().to_string();
        assert!(
            refusal.contains("commercial use no (the data set is CC0"),
            "{refusal}"
        );
        assert!(
            load("piper-fr-siwis", &[])
                .unwrap_err()
                .to_string()
                .contains("use unknown")
        );
        assert_eq!(load("piper-fr-siwis", &["CC-BY-4.0"]), Ok(()));
        assert_eq!(load("piper-en-joe", &["piper-en-joe"]), Ok(()));
        assert!(load("piper-en-joe", &["CC-BY-4.0"]).is_err());
    }
}
