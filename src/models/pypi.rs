//! PyPI's simple index: HTML (PEP 503) and JSON (PEP 691), and which wheel fits this machine
//! (PEP 427, PEP 600).

use reqwest::Url;
use serde::Deserialize;

use crate::models::Sha256Digest;
use crate::models::http::Page;

/// What to ask an index for: JSON first, as pip does.
pub const ACCEPT_INDEX: &str = "application/vnd.pypi.simple.v1+json, \
                                application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/// One file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `NAME-VERSION-PYTHON-ABI-PLATFORM.whl`, or an sdist.
    pub file: String,
    /// Where it lies.
    pub url: Url,
    /// What the index says it hashes to.
    pub sha256: Option<Sha256Digest>,
}

/// The project's page in an index.
pub fn project_url(index: &str, name: &str) -> String {
    format!("{}/{}/", index.trim_end_matches('/'), normalised(name))
}

/// The files a project's page lists.
///
/// # Errors
/// A sentence, if the page is neither form of the index.
pub fn links(page: &Page) -> Result<Vec<Link>, String> {
    if page.content_type.contains("json") {
        return json_links(page);
    }
    let links = html_links(&page.body, &page.url);
    if links.is_empty() {
        return Err(format!(
            "expected a package index, found a page without files ({})",
            page.content_type
        ));
    }
    Ok(links)
}

/// The wheel of exactly this version for `platform` (`linux-x86_64`): a pure Python one, else
/// a binary one of the oldest Python, so that the choice does not change with new releases.
pub fn wheel<'a>(
    links: &'a [Link],
    name: &str,
    version: &str,
    platform: &str,
) -> Result<&'a Link, String> {
    let mut of_version = Vec::new();
    for link in links {
        let Some(stem) = link.file.strip_suffix(".whl") else {
            continue;
        };
        let tags: Vec<&str> = stem.split('-').collect();
        // An optional build number stands between version and Python tag.
        let (&[project, found, ..], &[.., python, _abi, system]) = (&tags[..], &tags[..]) else {
            continue;
        };
        if normalised(project) == normalised(name) && found == version {
            of_version.push((python, system, link));
        }
    }
    if of_version.is_empty() {
        return Err(format!(
            "expected a wheel of version {version}, found none in the index"
        ));
    }
    let fitting = of_version
        .iter()
        .filter(|(_, system, _)| fits(system, platform));
    let chosen = fitting.min_by_key(|(python, system, link)| {
        (*system != "any", python.len(), *python, link.file.as_str())
    });
    chosen.map(|(_, _, link)| *link).ok_or_else(|| {
        format!(
            "version {version} has {} wheels, none for {platform}",
            of_version.len()
        )
    })
}

/// Whether a platform tag (one or several, joined by dots) is for `platform`.
fn fits(tags: &str, platform: &str) -> bool {
    let (os, arch) = platform.split_once('-').unwrap_or((platform, ""));
    tags.split('.').any(|tag| match os {
        _ if tag == "any" => true,
        "linux" => tag.starts_with("manylinux") && tag.ends_with(&format!("_{arch}")),
        "macos" => {
            let arch = if arch == "aarch64" { "arm64" } else { arch };
            tag.starts_with("macosx_")
                && (tag.ends_with(&format!("_{arch}")) || tag.ends_with("_universal2"))
        }
        "windows" => {
            tag == if arch == "x86_64" {
                "win_amd64"
            } else {
                "win_arm64"
            }
        }
        _ => false,
    })
}

/// A project's name as indexes compare it (PEP 503).
fn normalised(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if !matches!(letter, '-' | '_' | '.') {
            text.extend(letter.to_lowercase());
        } else if !text.ends_with('-') {
            text.push('-');
        }
    }
    text
}

#[derive(Deserialize)]
struct JsonIndex {
    files: Vec<JsonFile>,
}

#[derive(Deserialize)]
struct JsonFile {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: std::collections::BTreeMap<String, String>,
}

fn json_links(page: &Page) -> Result<Vec<Link>, String> {
    let index: JsonIndex = serde_json::from_str(&page.body)
        .map_err(|error| format!("expected a JSON package index (PEP 691), found {error}"))?;
    let link = |file: JsonFile| {
        let url = page.url.join(&file.url).ok()?;
        let sha256 = file.hashes.get("sha256").and_then(|hex| hex.parse().ok());
        Some(Link {
            file: file.filename,
            url,
            sha256,
        })
    };
    Ok(index.files.into_iter().filter_map(link).collect())
}

fn html_links(html: &str, base: &Url) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find("<a").or_else(|| rest.find("<A")) {
        rest = &rest[at + 2..];
        let Some(end) = rest.find('>') else { break };
        // A `>` within a quoted attribute has to be escaped in valid pages, and is.
        let (tag, after) = rest.split_at(end);
        rest = after;
        if !tag.starts_with(|c: char| c.is_ascii_whitespace()) {
            continue;
        }
        let Some(mut url) = attribute(tag, "href").and_then(|href| base.join(&href).ok()) else {
            continue;
        };
        let sha256 = url
            .fragment()
            .and_then(|fragment| fragment.strip_prefix("sha256="))
            .and_then(|hex| hex.parse().ok());
        url.set_fragment(None);
        let file = url
            .path_segments()
            .and_then(|mut parts| parts.next_back())
            .unwrap_or_default();
        if !file.is_empty() {
            links.push(Link {
                file: percent_decoded(file),
                url,
                sha256,
            });
        }
    }
    links
}

/// The value of an attribute of a tag's inside, with its character references resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace())?;
        let (key, after) = rest.split_at(end);
        let Some(after) = after.trim_start().strip_prefix('=') else {
            rest = after;
            continue;
        };
        let after = after.trim_start();
        let (value, next) = match after.chars().next()? {
            quote @ ('"' | '\'') => after[1..].split_once(quote)?,
            _ => after
                .split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(unescaped(value));
        }
        rest = next;
    }
}

fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#43;", "+"),
    ];
    let text = named
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%').then(|| text.get(i + 1..i + 3)).flatten();
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(content_type: &str, body: &str) -> Page {
        Page {
            url: "https://index.test/simple/onnxruntime/".parse().unwrap(),
            content_type: content_type.to_owned(),
            body: body.to_owned(),
        }
    }

    fn link(file: &str) -> Link {
        let url = "https://index.test/x".parse().unwrap();
        Link {
            file: file.to_owned(),
            url,
            sha256: None,
        }
    }

    #[test]
    fn an_html_index_gives_names_urls_and_digests() {
        let sha = "a".repeat(64);
        let body = format!(
            "<!DOCTYPE html><html><abbr>x</abbr><body>\
             <a data-requires-python=\"&gt;=3.9\" href=\"../../files/onnxruntime-1.0-py3-none-any.whl#sha256={sha}\">one</a>\
             <A HREF='https://cdn.test/a%2Bb-2.0-py3-none-any.whl?x=1&amp;y=2'>two</A></body>"
        );
        let found = links(&page("text/html; charset=utf-8", &body)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].file, "onnxruntime-1.0-py3-none-any.whl");
        let url = "https://index.test/files/onnxruntime-1.0-py3-none-any.whl";
        assert_eq!(found[0].url.as_str(), url);
        assert_eq!(found[0].sha256, Some(sha.parse().unwrap()));
        assert_eq!(found[1].file, "a+b-2.0-py3-none-any.whl");
        assert_eq!(found[1].url.query(), Some("x=1&y=2"));
    }

    #[test]
    fn a_json_index_gives_the_same() {
        let body = format!(
            r#"{{"meta":{{"api-version":"1.1"}},"name":"x","files":[{{"filename":"x-1-py3-none-any.whl",
               "url":"/f/x-1-py3-none-any.whl","hashes":{{"sha256":"{}"}},"yanked":false}}]}}"#,
            "b".repeat(64)
        );
        let found = links(&page("application/vnd.pypi.simple.v1+json", &body)).unwrap();
        assert_eq!(
            found[0].url.as_str(),
            "https://index.test/f/x-1-py3-none-any.whl"
        );
        assert!(found[0].sha256.is_some());
        assert!(
            links(&page("application/json", "{}"))
                .unwrap_err()
                .contains("PEP 691")
        );
        assert!(
            links(&page("text/html", "<h1>Log in</h1>"))
                .unwrap_err()
                .contains("text/html")
        );
    }

    #[test]
    fn the_wheel_fits_the_machine_and_stays_the_same() {
        let linux = |arch: &str, python: &str| {
            format!(
                "onnxruntime-1.24.4-{python}-{python}-manylinux_2_27_{arch}.manylinux_2_28_{arch}.whl"
            )
        };
        let links: Vec<Link> = [
            "onnxruntime-1.24.4.tar.gz".to_owned(),
            linux("x86_64", "cp312"),
            linux("x86_64", "cp311"),
            linux("aarch64", "cp311"),
            linux("aarch64", "cp314"),
            "onnxruntime-1.24.4-cp311-cp311-musllinux_1_2_x86_64.whl".to_owned(),
            "onnxruntime-1.24.4-cp311-cp311-macosx_14_0_arm64.whl".to_owned(),
            "onnxruntime-1.24.3-cp310-cp310-manylinux_2_27_x86_64.whl".to_owned(),
            "onnxruntime_gpu-1.24.4-cp310-cp310-manylinux_2_27_x86_64.whl".to_owned(),
        ]
        .iter()
        .map(|file| link(file))
        .collect();
        let choose = |platform| wheel(&links, "ONNXRuntime", "1.24.4", platform);
        assert_eq!(
            choose("linux-x86_64").unwrap().file,
            linux("x86_64", "cp311")
        );
        assert_eq!(
            choose("linux-aarch64").unwrap().file,
            linux("aarch64", "cp311")
        );
        assert!(choose("macos-aarch64").unwrap().file.contains("macosx"));
        assert!(
            choose("linux-riscv64")
                .unwrap_err()
                .contains("none for linux-riscv64")
        );
        let missing = wheel(&links, "onnxruntime", "9.9", "linux-x86_64").unwrap_err();
        assert!(missing.contains("version 9.9"));
    }

    #[test]
    fn names_are_compared_as_pep_503_says() {
        assert_eq!(
            project_url("https://index.test/simple/", "Gemma3_270m.Q4__k"),
            "https://index.test/simple/gemma3-270m-q4-k/"
        );
    }
}
