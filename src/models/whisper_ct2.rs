//! A CTranslate2 Whisper rewritten as whisper.cpp's ggml.
//!
//! The two hold the same numbers under other names; CTranslate2 keeps query, key and value of
//! an attention in one matrix. What CTranslate2 lacks (mel filters, vocabulary, the order of
//! tensors) is the same in all multilingual Whispers of 80 bands, and comes from a smaller one
//! in ggml. The outcome for base is byte for byte the file that upstream publishes.

use std::io::{Read, Seek, Write};

use crate::models::ct2::{Ct2Model, Element, Elements, WeightsError};
use crate::models::ggml::{GgmlOutline, Hyperparameters, TensorEntry, write_tensor};

/// Writes the CTranslate2 Whisper `model` as ggml to `out`, with mel filters, vocabulary and
/// tensor order of `reference`, an unquantised ggml Whisper.
///
/// # Errors
/// [`WeightsError::Format`] if either is not that, or if their vocabularies differ in size.
pub fn convert(
    model: impl Read + Seek,
    reference: &mut (impl Read + Seek),
    out: &mut impl Write,
) -> Result<(), WeightsError> {
    let mut ct2 = Ct2Model::open(model, "WhisperSpec")?;
    let reference = GgmlOutline::read(reference)?;
    let hyperparameters = hyperparameters(&mut ct2, reference.hyperparameters)?;
    let outline = GgmlOutline {
        hyperparameters,
        ..reference
    };
    outline.write_front(out)?;
    for (name, element) in tensor_order(&outline) {
        let elements = read(&mut ct2, &name)?;
        let dims = ggml_dims(&name, &elements);
        write_tensor(out, &name, &dims, element, &elements)?;
    }
    Ok(())
}

fn hyperparameters<R: Read + Seek>(
    ct2: &mut Ct2Model<R>,
    reference: Hyperparameters,
) -> Result<Hyperparameters, WeightsError> {
    let int = |n: u32| i32::try_from(n).map_err(|e| WeightsError::format("a small number", e));
    let (vocab, state) = match ct2.shape("decoder/embeddings/weight")? {
        &[vocab, state] => (int(vocab)?, int(state)?),
        other => {
            return Err(WeightsError::format(
                "a matrix of embeddings",
                format!("{other:?}"),
            ));
        }
    };
    if vocab != reference.vocab {
        return Err(WeightsError::format(
            format!(
                "a vocabulary of {} tokens, as the reference has",
                reference.vocab
            ),
            vocab,
        ));
    }
    let mels = match ct2.shape("encoder/conv1/weight")? {
        &[_, mels, _] => int(mels)?,
        other => return Err(WeightsError::format("a convolution", format!("{other:?}"))),
    };
    if mels != reference.mels {
        let expected = format!("{} mel bands, as the reference has", reference.mels);
        return Err(WeightsError::format(expected, mels));
    }
    Ok(Hyperparameters {
        audio_state: state,
        audio_head: ct2.scalar("encoder/num_heads")?,
        audio_layer: layers(ct2, "encoder"),
        text_state: state,
        text_head: ct2.scalar("decoder/num_heads")?,
        text_layer: layers(ct2, "decoder"),
        ..reference
    })
}

fn layers<R: Read + Seek>(ct2: &Ct2Model<R>, side: &str) -> i32 {
    let number = |name: &str| -> Option<i32> {
        let rest = name.strip_prefix(side)?.strip_prefix("/layer_")?;
        rest.split('/').next()?.parse().ok()
    };
    ct2.names()
        .filter_map(number)
        .max()
        .map_or(0, |last| last + 1)
}

/// The reference's tensors in its order, with as many blocks as this model has.
fn tensor_order(outline: &GgmlOutline) -> Vec<(String, Element)> {
    let mut order = Vec::new();
    let mut written: Vec<&str> = Vec::new();
    for TensorEntry { name, element, .. } in &outline.tensors {
        let Some((side, _)) = name.split_once(".blocks.") else {
            order.push((name.clone(), *element));
            continue;
        };
        if written.contains(&side) {
            continue;
        }
        written.push(side);
        let first = format!("{side}.blocks.0.");
        let in_block = |entry: &TensorEntry| {
            let inner = entry.name.strip_prefix(&first)?;
            Some((inner.to_owned(), entry.element))
        };
        let block: Vec<_> = outline.tensors.iter().filter_map(in_block).collect();
        let blocks = match side {
            "encoder" => outline.hyperparameters.audio_layer,
            _ => outline.hyperparameters.text_layer,
        };
        for i in 0..blocks {
            let named = |(inner, element): &(String, Element)| {
                (format!("{side}.blocks.{i}.{inner}"), *element)
            };
            order.extend(block.iter().map(named));
        }
    }
    order
}

fn read<R: Read + Seek>(ct2: &mut Ct2Model<R>, tensor: &str) -> Result<Elements, WeightsError> {
    let (variable, part, parts) = ct2_name(tensor)
        .ok_or_else(|| WeightsError::format("a tensor of Whisper", tensor.to_owned()))?;
    ct2.read(&variable, part, parts)
}

/// The variable that holds a tensor, and which part of how many of it.
fn ct2_name(tensor: &str) -> Option<(String, u32, u32)> {
    let whole = |name: String| Some((name, 0, 1));
    let gain = |last: &str| match last {
        "weight" => Some("gamma"),
        "bias" => Some("beta"),
        _ => None,
    };
    let parts: Vec<&str> = tensor.split('.').collect();
    match parts[..] {
        [side, "positional_embedding"] => whole(format!("{side}/position_encodings/encodings")),
        ["decoder", "token_embedding", "weight"] => whole("decoder/embeddings/weight".to_owned()),
        [side, "ln" | "ln_post", last] => whole(format!("{side}/layer_norm/{}", gain(last)?)),
        ["encoder", conv @ ("conv1" | "conv2"), last] => whole(format!("encoder/{conv}/{last}")),
        [side, "blocks", block, ref inner @ ..] => {
            let at = format!("{side}/layer_{block}");
            match *inner {
                [norm @ ("attn_ln" | "cross_attn_ln" | "mlp_ln"), last] => {
                    let owner = match norm {
                        "attn_ln" => "self_attention",
                        "cross_attn_ln" => "attention",
                        _ => "ffn",
                    };
                    whole(format!("{at}/{owner}/layer_norm/{}", gain(last)?))
                }
                ["mlp", "0", last] => whole(format!("{at}/ffn/linear_0/{last}")),
                ["mlp", "2", last] => whole(format!("{at}/ffn/linear_1/{last}")),
                ["attn", "out", last] => whole(format!("{at}/self_attention/linear_1/{last}")),
                ["attn", which, last] => {
                    let part = ["query", "key", "value"]
                        .iter()
                        .position(|name| *name == which)?;
                    let part = u32::try_from(part).ok()?;
                    Some((format!("{at}/self_attention/linear_0/{last}"), part, 3))
                }
                ["cross_attn", "query", last] => whole(format!("{at}/attention/linear_0/{last}")),
                ["cross_attn", "out", last] => whole(format!("{at}/attention/linear_2/{last}")),
                ["cross_attn", which, last] => {
                    let part = ["key", "value"].iter().position(|name| *name == which)?;
                    let part = u32::try_from(part).ok()?;
                    Some((format!("{at}/attention/linear_1/{last}"), part, 2))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// ggml's dimensions of a tensor: innermost first; a convolution's bias is a column; a table of
/// positions has no batch dimension.
fn ggml_dims(name: &str, elements: &Elements) -> Vec<u32> {
    let mut dims: Vec<u32> = elements.shape.iter().rev().copied().collect();
    if name.ends_with("conv1.bias") || name.ends_with("conv2.bias") {
        dims.insert(0, 1);
    }
    if name.ends_with("positional_embedding") && dims.len() == 3 {
        dims.pop();
    }
    dims
}
