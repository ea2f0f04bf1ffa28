//! Kokoro's network, changed before it is loaded so that it speaks sooner.
//!
//! The int8 export computes its 87 convolutions with the operator ConvInteger, for which ONNX
//! Runtime has no fast kernel: 87 % of the time goes there. Here each becomes a float Conv on the
//! same weights (which ONNX Runtime widens once, when it loads), 2.2 times as fast over all, for
//! 200 MB more memory. And the network gives 0.4 s of silence before each piece and as much after
//! it, which take the vocoder as long as speech: most of it is cut out of what the encoder gives
//! the vocoder. (Shorter durations for the padding tokens garble the first syllable.)
//!
//! A graph without these operators (a float export) passes unchanged. The format is ONNX's
//! protocol buffers (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>), of which only
//! the nodes are read.

use std::collections::HashMap;

/// A file that is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an ONNX model, or it is cut off")]
pub struct Malformed;

/// What to change.
#[derive(Debug, Clone, Copy)]
pub struct Changes {
    /// Compute integer convolutions in float.
    pub float_convolutions: bool,
    /// How much silence is spoken.
    pub silence: Option<Silence>,
}

/// How much of the silence around the text is left, in the network's frames of 25 ms.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// At most so many frames of the token before the text. Speech begins in the last four.
    pub lead: f32,
    /// So many frames are cut from the end.
    pub cut: u32,
}

// Names in the export of thewh1teagle/kokoro-onnx.
/// The duration predictor's last step.
const DURATIONS: &str = "/encoder/Clip";
/// What the vocoder gets, and how many steps a frame has in it: text features, pitch, energy.
const FEATURES: [(&str, u32); 3] = [
    ("/encoder/MatMul_1", 1),
    ("/encoder/Reshape", 2),
    ("/encoder/Reshape_1", 2),
];
/// How the tensors that are added are named.
const ADDED: &str = "comptoir_silence";

// Field numbers of onnx.proto3.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const NODE_INPUT: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const NODE_NAME: u64 = 3;
const NODE_OPERATOR: u64 = 4;
const NODE_ATTRIBUTE: u64 = 5;
const FLOAT: u64 = 1;
const INT32: u64 = 6;
const INT64: u64 = 7;

/// The changed network.
///
/// # Errors
/// When the bytes are no ONNX model.
pub fn change(model: &[u8], changes: Changes) -> Result<Vec<u8>, Malformed> {
    let mut graph = None;
    let mut out = Vec::with_capacity(model.len() + (1 << 18));
    for field in Fields(model) {
        let field = field?;
        match (field.number, field.bytes) {
            (MODEL_GRAPH, Some(bytes)) => graph = Some(bytes),
            _ => out.extend_from_slice(field.raw),
        }
    }
    let graph = change_graph(graph.ok_or(Malformed)?, changes)?;
    put_bytes(&mut out, MODEL_GRAPH, &graph);
    Ok(out)
}

fn change_graph(graph: &[u8], changes: Changes) -> Result<Vec<u8>, Malformed> {
    let mut nodes = Vec::new();
    for field in Fields(graph) {
        let field = field?;
        if let (GRAPH_NODE, Some(bytes)) = (field.number, field.bytes) {
            nodes.push(Node::read(bytes)?);
        }
    }
    // What quantised a convolution's input: its float input and the scale that it found.
    let quantisers: HashMap<&str, (&str, &str)> = nodes
        .iter()
        .filter(|node| node.operator == "DynamicQuantizeLinear")
        .filter_map(|node| match (&node.inputs[..], &node.outputs[..]) {
            ([float], [quantised, scale, _]) => Some((*quantised, (*float, *scale))),
            _ => None,
        })
        .collect();
    let known = |name: &str| nodes.iter().any(|node| node.name == name);
    let croppable = known(DURATIONS) && FEATURES.iter().all(|(name, _)| known(name));
    let silence = changes.silence.filter(|_| croppable);
    let mut out = Vec::with_capacity(graph.len() + (1 << 18));
    let mut nodes = nodes.iter();
    for field in Fields(graph) {
        let field = field?;
        if field.number != GRAPH_NODE {
            out.extend_from_slice(field.raw);
            continue;
        }
        let Some(node) = nodes.next() else {
            return Err(Malformed);
        };
        let feature = FEATURES.iter().find(|(name, _)| node.name == *name);
        let changed = if changes.float_convolutions && node.operator == "ConvInteger" {
            float_convolution(node, &quantisers)
        } else if let (Some(silence), true) = (silence, node.name == DURATIONS) {
            measure_silence(node, silence)
        } else if let (Some(_), Some((_, steps))) = (silence, feature) {
            crop(node, *steps)
        } else {
            None
        };
        match changed {
            Some(nodes) => {
                for node in nodes {
                    put_bytes(&mut out, GRAPH_NODE, &node);
                }
            }
            None => out.extend_from_slice(field.raw),
        }
    }
    Ok(out)
}

/// ConvInteger as Conv: convolves the float input with the widened weights and brings the sums
/// to the integer scale that the nodes after it expect.
fn float_convolution(
    node: &Node<'_>,
    quantisers: &HashMap<&str, (&str, &str)>,
) -> Option<Vec<Vec<u8>>> {
    let ([input, weights, _, zero], [output]) = (&node.inputs[..], &node.outputs[..]) else {
        return None;
    };
    let (float, scale) = quantisers.get(input)?;
    let name = |part: &str| format!("{output}_float_{part}");
    let (unit, kernel) = (name("unit"), name("kernel"));
    let (sums, scaled) = (name("sums"), name("scaled"));
    Some(vec![
        constant(&unit, FLOAT, &[], &1f32.to_le_bytes()),
        // Of constants: ONNX Runtime computes it once, when it is told to (see voice::session).
        operator("DequantizeLinear", &[weights, &unit, zero], &[&kernel], &[]),
        operator("Conv", &[float, &kernel], &[&sums], &node.attributes),
        operator("Div", &[&sums, scale], &[&scaled], &[]),
        operator("Cast", &[&scaled], &[output], &[int("to", INT32)]),
    ])
}

/// After the durations: which step of the features to begin and to end with.
fn measure_silence(node: &Node<'_>, silence: Silence) -> Option<Vec<Vec<u8>>> {
    let [durations] = node.outputs[..] else {
        return None;
    };
    let name = |part: &str| format!("{ADDED}_{part}");
    let [zero, one, last_axis, two] = ["zero", "one", "last_axis", "two"].map(name);
    let [most, none, pad, over, cut, whole] =
        ["most", "none", "pad", "over", "cut", "whole"].map(name);
    let cut_end = |steps: i64| match i64::from(silence.cut) * steps {
        0 => i64::MAX,
        cut => -cut,
    };
    Some(vec![
        operator("Clip", &node.inputs, &[durations], &node.attributes),
        constant(&zero, INT64, &[1], &0i64.to_le_bytes()),
        constant(&one, INT64, &[1], &1i64.to_le_bytes()),
        constant(&two, INT64, &[1], &2i64.to_le_bytes()),
        constant(&last_axis, INT64, &[1], &(-1i64).to_le_bytes()),
        constant(&most, FLOAT, &[], &silence.lead.to_le_bytes()),
        constant(&none, FLOAT, &[], &0f32.to_le_bytes()),
        constant(&name("end_1"), INT64, &[1], &cut_end(1).to_le_bytes()),
        constant(&name("end_2"), INT64, &[1], &cut_end(2).to_le_bytes()),
        operator("Slice", &[durations, &zero, &one, &last_axis], &[&pad], &[]),
        operator("Sub", &[&pad, &most], &[&over], &[]),
        operator("Max", &[&over, &none], &[&cut], &[]),
        operator("Cast", &[&cut], &[&whole], &[int("to", INT64)]),
        // One number, of whatever rank the durations are.
        operator("Reshape", &[&whole, &last_axis], &[&name("begin_1")], &[]),
        operator("Mul", &[&name("begin_1"), &two], &[&name("begin_2")], &[]),
    ])
}

/// A feature of the text, from that step to that step.
fn crop(node: &Node<'_>, steps: u32) -> Option<Vec<Vec<u8>>> {
    let [output] = node.outputs[..] else {
        return None;
    };
    let whole = format!("{output}_{ADDED}");
    let begin = format!("{ADDED}_begin_{steps}");
    let end = format!("{ADDED}_end_{steps}");
    let last_axis = format!("{ADDED}_last_axis");
    Some(vec![
        operator(node.operator, &node.inputs, &[&whole], &node.attributes),
        operator("Slice", &[&whole, &begin, &end, &last_axis], &[output], &[]),
    ])
}

/// A node of the graph, as far as it matters here.
struct Node<'m> {
    name: &'m str,
    operator: &'m str,
    inputs: Vec<&'m str>,
    outputs: Vec<&'m str>,
    attributes: Vec<Vec<u8>>,
}

impl<'m> Node<'m> {
    fn read(bytes: &'m [u8]) -> Result<Self, Malformed> {
        let mut node = Node {
            name: "",
            operator: "",
            inputs: Vec::new(),
            outputs: Vec::new(),
            attributes: Vec::new(),
        };
        for field in Fields(bytes) {
            let field = field?;
            let Some(bytes) = field.bytes else { continue };
            let text = || std::str::from_utf8(bytes).map_err(|_| Malformed);
            match field.number {
                NODE_INPUT => node.inputs.push(text()?),
                NODE_OUTPUT => node.outputs.push(text()?),
                NODE_NAME => node.name = text()?,
                NODE_OPERATOR => node.operator = text()?,
                NODE_ATTRIBUTE => node.attributes.push(bytes.to_vec()),
                _ => {}
            }
        }
        Ok(node)
    }
}

fn operator(name: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut node = Vec::new();
    for input in inputs {
        put_bytes(&mut node, NODE_INPUT, input.as_bytes());
    }
    for output in outputs {
        put_bytes(&mut node, NODE_OUTPUT, output.as_bytes());
    }
    put_bytes(&mut node, NODE_OPERATOR, name.as_bytes());
    for attribute in attributes {
        put_bytes(&mut node, NODE_ATTRIBUTE, attribute);
    }
    node
}

/// An AttributeProto: name = 1, i = 3, type = 20 (INT = 2).
fn int(name: &str, value: u64) -> Vec<u8> {
    let mut attribute = Vec::new();
    put_bytes(&mut attribute, 1, name.as_bytes());
    put_number(&mut attribute, 3, value);
    put_number(&mut attribute, 20, 2);
    attribute
}

/// A Constant node; its TensorProto has dims = 1, data_type = 2, raw_data = 9.
fn constant(name: &str, data_type: u64, dims: &[u64], raw: &[u8]) -> Vec<u8> {
    let mut tensor = Vec::new();
    for &dim in dims {
        put_number(&mut tensor, 1, dim);
    }
    put_number(&mut tensor, 2, data_type);
    put_bytes(&mut tensor, 9, raw);
    let mut value = Vec::new();
    put_bytes(&mut value, 1, b"value");
    put_bytes(&mut value, 5, &tensor);
    put_number(&mut value, 20, 4);
    operator("Constant", &[], &[name], &[value])
}

/// A field of a protocol buffer message.
struct Field<'m> {
    number: u64,
    /// The content, for a field with a length.
    bytes: Option<&'m [u8]>,
    /// The field as it stands in the message.
    raw: &'m [u8],
}

/// The fields of a message, in order.
struct Fields<'m>(&'m [u8]);

impl<'m> Iterator for Fields<'m> {
    type Item = Result<Field<'m>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field().ok_or(Malformed);
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'m> Fields<'m> {
    fn field(&mut self) -> Option<Field<'m>> {
        let message = self.0;
        let (key, mut rest) = varint(message)?;
        let bytes = match key & 7 {
            0 => {
                rest = varint(rest)?.1;
                None
            }
            1 => {
                rest = rest.get(8..)?;
                None
            }
            2 => {
                let (length, after) = varint(rest)?;
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                rest = after;
                Some(bytes)
            }
            5 => {
                rest = rest.get(4..)?;
                None
            }
            _ => return None,
        };
        self.0 = rest;
        Some(Field {
            number: key >> 3,
            bytes,
            raw: &message[..message.len() - rest.len()],
        })
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (n, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * n).min(63);
        if byte < 0x80 {
            return Some((value, &bytes[n + 1..]));
        }
    }
    None
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, field << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
