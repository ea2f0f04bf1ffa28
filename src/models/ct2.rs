//! CTranslate2's `model.bin`, as its converters write it (binary versions 5 and 6):
//! little-endian; `u32` version, specification's name, `u32` revision, `u32` count of
//! variables; per variable its name, `u8` rank, `u32` per dimension, `u8` element type, `u32`
//! bytes, the bytes; at the end `u32` count of aliases, each alias and its target. A string is
//! `u16` length with its closing NUL.
//! Source: `CTranslate2/python/ctranslate2/specs/model_spec.py`.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

/// Why weights could not be read or rewritten.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file is not what it should be.
    #[error("expected {expected}, found {found}")]
    Format {
        /// What the reader can use.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Reading or writing failed; a file that ends early is `UnexpectedEof`.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl WeightsError {
    pub(crate) fn format(expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Format {
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

/// How an element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
}

impl Element {
    /// Bytes of one element.
    pub fn width(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}

/// Where a variable's elements lie.
#[derive(Clone, Debug)]
struct Variable {
    shape: Vec<u32>,
    /// As the file numbers it: 0 f32, 1 i8, 2 i16, 3 i32, 4 f16, 5 bf16.
    element: u8,
    offset: u64,
    bytes: u64,
}

/// A `model.bin`: its variables by name, their bytes still on disk.
#[derive(Debug)]
pub struct Ct2Model<R> {
    reader: R,
    variables: BTreeMap<String, Variable>,
}

/// A variable's elements, or some of its first dimension.
#[derive(Debug)]
pub struct Elements {
    /// Dimensions, outermost first.
    pub shape: Vec<u32>,
    /// How an element is stored.
    pub element: Element,
    /// Little-endian.
    pub bytes: Vec<u8>,
}

impl<R: Read + Seek> Ct2Model<R> {
    /// Reads the table of variables, and checks that the file ends where it should.
    ///
    /// # Errors
    /// [`WeightsError::Format`] unless this is a model of specification `spec`.
    pub fn open(mut reader: R, spec: &str) -> Result<Self, WeightsError> {
        let end = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let version = u32(&mut reader)?;
        if !(5..=6).contains(&version) {
            return Err(WeightsError::format(
                "CTranslate2 binary version 5 or 6",
                version,
            ));
        }
        let found = string(&mut reader)?;
        if found != spec {
            return Err(WeightsError::format(format!("a {spec}"), found));
        }
        let _revision = u32(&mut reader)?;
        let mut variables = BTreeMap::new();
        for _ in 0..u32(&mut reader)? {
            let name = string(&mut reader)?;
            let rank = u8(&mut reader)?;
            let shape = (0..rank)
                .map(|_| u32(&mut reader))
                .collect::<Result<Vec<_>, _>>()?;
            let element = u8(&mut reader)?;
            let bytes = u64::from(u32(&mut reader)?);
            let offset = reader.stream_position()?;
            if offset + bytes > end {
                return Err(WeightsError::format(
                    format!("{bytes} bytes of {name}"),
                    "the end",
                ));
            }
            reader.seek(SeekFrom::Start(offset + bytes))?;
            variables.insert(
                name,
                Variable {
                    shape,
                    element,
                    offset,
                    bytes,
                },
            );
        }
        for _ in 0..u32(&mut reader)? {
            let (alias, target) = (string(&mut reader)?, string(&mut reader)?);
            if let Some(variable) = variables.get(&target).cloned() {
                variables.insert(alias, variable);
            }
        }
        let here = reader.stream_position()?;
        if here != end {
            return Err(WeightsError::format(
                format!("the end at {here}"),
                format!("{end} bytes"),
            ));
        }
        Ok(Self { reader, variables })
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// A variable's dimensions, outermost first.
    pub fn shape(&self, name: &str) -> Result<&[u32], WeightsError> {
        Ok(&self.variable(name)?.shape)
    }

    /// An integer without dimensions, such as `encoder/num_heads`.
    pub fn scalar(&mut self, name: &str) -> Result<i32, WeightsError> {
        let Variable {
            element,
            offset,
            bytes,
            ..
        } = *self.variable(name)?;
        self.reader.seek(SeekFrom::Start(offset))?;
        match (element, bytes) {
            (1, 1) => Ok(i32::from(i8::from_le_bytes(array(&mut self.reader)?))),
            (2, 2) => Ok(i32::from(i16::from_le_bytes(array(&mut self.reader)?))),
            (3, 4) => Ok(i32::from_le_bytes(array(&mut self.reader)?)),
            _ => Err(WeightsError::format(
                format!("{name} to be an integer"),
                format!("element type {element}, {bytes} bytes"),
            )),
        }
    }

    /// Part `part` of `parts` equal parts of a variable, cut along its first dimension.
    pub fn read(&mut self, name: &str, part: u32, parts: u32) -> Result<Elements, WeightsError> {
        let variable = self.variable(name)?.clone();
        let element = match variable.element {
            0 => Element::F32,
            4 => Element::F16,
            other => {
                return Err(WeightsError::format(
                    format!("{name} in float16 or float32"),
                    format!("element type {other} (a quantised model does not convert exactly)"),
                ));
            }
        };
        let mut shape = variable.shape;
        let count: u64 = shape.iter().map(|&n| u64::from(n)).product();
        if count * element.width() != variable.bytes {
            return Err(WeightsError::format(
                format!("{} bytes of {name} {shape:?}", count * element.width()),
                variable.bytes,
            ));
        }
        match shape.first_mut() {
            Some(rows) if rows.is_multiple_of(parts) && part < parts => *rows /= parts,
            _ => {
                return Err(WeightsError::format(
                    format!("{name} to divide into {parts}"),
                    format!("{shape:?}"),
                ));
            }
        }
        let length = variable.bytes / u64::from(parts);
        self.reader
            .seek(SeekFrom::Start(variable.offset + length * u64::from(part)))?;
        let mut bytes = Vec::new();
        let read = Read::by_ref(&mut self.reader)
            .take(length)
            .read_to_end(&mut bytes)?;
        if read as u64 != length {
            return Err(ends_early(io::ErrorKind::UnexpectedEof.into()).into());
        }
        Ok(Elements {
            shape,
            element,
            bytes,
        })
    }

    fn variable(&self, name: &str) -> Result<&Variable, WeightsError> {
        let there = self.variables.get(name);
        there.ok_or_else(|| WeightsError::format(format!("variable {name}"), "none of that name"))
    }
}

/// Says so when a read came up short.
pub(crate) fn ends_early(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "the file ends too early"),
        _ => error,
    }
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(ends_early)?;
    Ok(bytes)
}

fn u8(reader: &mut impl Read) -> io::Result<u8> {
    Ok(u8::from_le_bytes(array(reader)?))
}

fn u32(reader: &mut impl Read) -> io::Result<u32> {
    Ok(u32::from_le_bytes(array(reader)?))
}

fn string(reader: &mut impl Read) -> Result<String, WeightsError> {
    let length = u16::from_le_bytes(array(reader)?);
    let mut bytes = vec![0; usize::from(length)];
    reader.read_exact(&mut bytes).map_err(ends_early)?;
    match bytes.pop() {
        Some(0) => {}
        other => {
            return Err(WeightsError::format(
                "a name closed by NUL",
                format!("{other:?}"),
            ));
        }
    }
    String::from_utf8(bytes).map_err(|error| WeightsError::format("a name in UTF-8", error))
}
