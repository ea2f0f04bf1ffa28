//! whisper.cpp's ggml file: little-endian; magic, eleven `i32` hyperparameters, mel filters,
//! vocabulary, then tensors to the end of the file. Per tensor `i32` rank, `i32` length of the
//! name, `i32` type, `i32` per dimension (innermost first), the name, the elements.
//! Source: `whisper.cpp/models/convert-pt-to-ggml.py`.

use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::models::ct2::{Element, Elements, WeightsError, ends_early};

const MAGIC: u32 = 0x6767_6d6c;

/// The hyperparameters, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hyperparameters {
    /// Tokens of the vocabulary, special ones included.
    pub vocab: i32,
    /// Positions of the encoder.
    pub audio_ctx: i32,
    /// Width of the encoder.
    pub audio_state: i32,
    /// Attention heads of the encoder.
    pub audio_head: i32,
    /// Blocks of the encoder.
    pub audio_layer: i32,
    /// Positions of the decoder.
    pub text_ctx: i32,
    /// Width of the decoder.
    pub text_state: i32,
    /// Attention heads of the decoder.
    pub text_head: i32,
    /// Blocks of the decoder.
    pub text_layer: i32,
    /// Mel bands.
    pub mels: i32,
    /// 0: all f32; 1: matrices f16.
    pub ftype: i32,
}

impl Hyperparameters {
    fn to_array(self) -> [i32; 11] {
        [
            self.vocab,
            self.audio_ctx,
            self.audio_state,
            self.audio_head,
            self.audio_layer,
            self.text_ctx,
            self.text_state,
            self.text_head,
            self.text_layer,
            self.mels,
            self.ftype,
        ]
    }

    fn from_array(a: [i32; 11]) -> Self {
        Self {
            vocab: a[0],
            audio_ctx: a[1],
            audio_state: a[2],
            audio_head: a[3],
            audio_layer: a[4],
            text_ctx: a[5],
            text_state: a[6],
            text_head: a[7],
            text_layer: a[8],
            mels: a[9],
            ftype: a[10],
        }
    }
}

/// A tensor's entry, without its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    /// `encoder.blocks.0.attn.query.weight`.
    pub name: String,
    /// How its elements are stored.
    pub element: Element,
    /// Innermost first.
    pub dims: Vec<i32>,
}

/// All of a ggml Whisper but the tensors' elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GgmlOutline {
    /// The hyperparameters.
    pub hyperparameters: Hyperparameters,
    /// Mel filters and vocabulary, byte by byte as they stand in the file.
    pub front: Vec<u8>,
    /// The tensors in file order.
    pub tensors: Vec<TensorEntry>,
}

impl GgmlOutline {
    /// Reads the outline of an f16 or f32 ggml Whisper.
    ///
    /// # Errors
    /// [`WeightsError::Format`] if it is none, or quantised.
    pub fn read(reader: &mut (impl Read + Seek)) -> Result<Self, WeightsError> {
        let end = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let magic = u32::from_le_bytes(array(reader)?);
        if magic != MAGIC {
            return Err(WeightsError::format(
                "a ggml Whisper",
                format!("magic {magic:#010x}"),
            ));
        }
        let mut numbers = [0; 11];
        for number in &mut numbers {
            *number = i32(reader)?;
        }
        let start = reader.stream_position()?;
        let (mels, bins) = (i32(reader)?, i32(reader)?);
        skip(reader, i64::from(mels) * i64::from(bins) * 4, end)?;
        for _ in 0..i32(reader)? {
            let length = i32(reader)?;
            skip(reader, i64::from(length), end)?;
        }
        let after = reader.stream_position()?;
        reader.seek(SeekFrom::Start(start))?;
        let mut front = Vec::new();
        Read::by_ref(reader)
            .take(after - start)
            .read_to_end(&mut front)?;
        let mut tensors = Vec::new();
        while reader.stream_position()? < end {
            tensors.push(tensor_entry(reader, end)?);
        }
        Ok(Self {
            hyperparameters: Hyperparameters::from_array(numbers),
            front,
            tensors,
        })
    }

    /// Writes everything that comes before the tensors.
    pub fn write_front(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&MAGIC.to_le_bytes())?;
        for number in self.hyperparameters.to_array() {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&self.front)
    }
}

fn tensor_entry(reader: &mut (impl Read + Seek), end: u64) -> Result<TensorEntry, WeightsError> {
    let (rank, length, ty) = (i32(reader)?, i32(reader)?, i32(reader)?);
    if !(1..=4).contains(&rank) || !(1..=256).contains(&length) {
        return Err(WeightsError::format(
            "a tensor",
            format!("rank {rank}, name of {length}"),
        ));
    }
    let dims = (0..rank)
        .map(|_| i32(reader))
        .collect::<Result<Vec<_>, _>>()?;
    let mut name = vec![0; usize::try_from(length).unwrap_or_default()];
    reader.read_exact(&mut name).map_err(ends_early)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    let element = match ty {
        0 => Element::F32,
        1 => Element::F16,
        other => {
            return Err(WeightsError::format(
                format!("{name} in f16 or f32"),
                format!("ggml type {other} (the reference must not be quantised)"),
            ));
        }
    };
    let count: i64 = dims.iter().map(|&n| i64::from(n)).product();
    skip(
        reader,
        count * i64::try_from(element.width()).unwrap_or(4),
        end,
    )?;
    Ok(TensorEntry {
        name,
        element,
        dims,
    })
}

/// Writes one tensor, its elements converted to `element`. `dims` is innermost first.
pub fn write_tensor(
    out: &mut impl Write,
    name: &str,
    dims: &[u32],
    element: Element,
    elements: &Elements,
) -> io::Result<()> {
    let ty = match element {
        Element::F32 => 0_u32,
        Element::F16 => 1,
    };
    let small = |n: usize| u32::try_from(n).map_err(io::Error::other);
    for number in [small(dims.len())?, small(name.len())?, ty] {
        out.write_all(&number.to_le_bytes())?;
    }
    for dim in dims {
        out.write_all(&dim.to_le_bytes())?;
    }
    out.write_all(name.as_bytes())?;
    out.write_all(&converted(elements, element))
}

fn converted(elements: &Elements, to: Element) -> std::borrow::Cow<'_, [u8]> {
    let bytes = &elements.bytes;
    match (elements.element, to) {
        (Element::F16, Element::F16) | (Element::F32, Element::F32) => bytes.into(),
        (Element::F16, Element::F32) => bytes
            .chunks_exact(2)
            .flat_map(|half| f32_of_f16(u16::from_le_bytes([half[0], half[1]])).to_le_bytes())
            .collect::<Vec<_>>()
            .into(),
        (Element::F32, Element::F16) => bytes
            .chunks_exact(4)
            .flat_map(|b| f16_of_f32(f32::from_le_bytes([b[0], b[1], b[2], b[3]])).to_le_bytes())
            .collect::<Vec<_>>()
            .into(),
    }
}

/// binary16 to binary32 (IEEE 754): exact.
fn f32_of_f16(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1f;
    let fraction = u32::from(half & 0x3ff);
    match exponent {
        // A subnormal is fraction * 2^-24, which binary32 holds exactly.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// binary32 to binary16 (IEEE 754), to nearest, ties to even.
fn f16_of_f32(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    let half = if magnitude > 0x7f80_0000 {
        0x7e00 // not a number
    } else if magnitude >= 0x477f_f000 {
        0x7c00 // rounds to infinity
    } else if magnitude < 0x3880_0000 {
        // Subnormal: units of 2^-24. `round_ties_even` is the rounding IEEE wants.
        (f32::from_bits(magnitude) * 16_777_216.0).round_ties_even() as u16
    } else {
        let rebased = magnitude - (112 << 23);
        let tie_to_even = 0xfff + ((rebased >> 13) & 1);
        ((rebased + tie_to_even) >> 13) as u16
    };
    sign | half
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(ends_early)?;
    Ok(bytes)
}

fn i32(reader: &mut impl Read) -> io::Result<i32> {
    Ok(i32::from_le_bytes(array(reader)?))
}

fn skip(reader: &mut (impl Read + Seek), bytes: i64, end: u64) -> Result<(), WeightsError> {
    let here = reader.stream_position()?;
    let to = u64::try_from(bytes)
        .ok()
        .and_then(|bytes| here.checked_add(bytes));
    match to.filter(|to| *to <= end) {
        Some(to) => {
            reader.seek(SeekFrom::Start(to))?;
            Ok(())
        }
        None => Err(WeightsError::format(
            format!("{bytes} bytes at {here}"),
            "the end",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_goes_to_single_and_back_unchanged() {
        for half in 0..=u16::MAX {
            let single = f32_of_f16(half);
            if single.is_nan() {
                assert!(half & 0x7fff > 0x7c00);
            } else {
                assert_eq!(f16_of_f32(single), half, "{half:#06x} is {single}");
            }
        }
    }

    #[test]
    fn singles_round_to_the_nearest_half_and_ties_to_even() {
        let cases: [(f32, u16); 8] = [
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65_504.0, 0x7bff),
            (65_520.0, 0x7c00),
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
            (5.960_464_5e-8, 0x0001),
            (2.980_232_2e-8, 0x0000),
        ];
        for (single, half) in cases {
            assert_eq!(f16_of_f32(single), half, "{single}");
        }
    }
}
