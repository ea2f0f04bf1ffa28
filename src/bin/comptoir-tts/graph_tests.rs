#![allow(clippy::unwrap_used)]

use super::*;

const ALL: Changes = Changes {
    float_convolutions: true,
    silence: Some(Silence { lead: 8.0, cut: 6 }),
};

/// A model of these nodes, with a producer name and an initializer that must survive.
fn model(nodes: &[Vec<u8>]) -> Vec<u8> {
    let mut graph = Vec::new();
    for node in nodes {
        put_bytes(&mut graph, GRAPH_NODE, node);
    }
    put_bytes(&mut graph, 5, b"an initializer");
    let mut model = Vec::new();
    put_number(&mut model, 1, 9);
    put_bytes(&mut model, 2, b"a producer");
    put_bytes(&mut model, MODEL_GRAPH, &graph);
    model
}

/// `operator inputs -> outputs` of each node.
fn shown(model: &[u8]) -> Vec<String> {
    let graph = Fields(model)
        .map(Result::unwrap)
        .find(|f| f.number == MODEL_GRAPH)
        .unwrap();
    Fields(graph.bytes.unwrap())
        .map(Result::unwrap)
        .filter(|f| f.number == GRAPH_NODE)
        .map(|f| Node::read(f.bytes.unwrap()).unwrap())
        .map(|n| {
            format!(
                "{} {} -> {}",
                n.operator,
                n.inputs.join(" "),
                n.outputs.join(" ")
            )
        })
        .collect()
}

fn named(name: &str, mut node: Vec<u8>) -> Vec<u8> {
    put_bytes(&mut node, NODE_NAME, name.as_bytes());
    node
}

#[test]
fn an_integer_convolution_becomes_a_float_one() {
    let quantise = operator("DynamicQuantizeLinear", &["x"], &["xq", "xs", "xz"], &[]);
    let convolve = operator(
        "ConvInteger",
        &["xq", "w", "xz", "wz"],
        &["y"],
        &[int("group", 1)],
    );
    let original = model(&[quantise, convolve]);
    let changed = change(&original, ALL).unwrap();
    assert_eq!(
        shown(&changed),
        [
            "DynamicQuantizeLinear x -> xq xs xz",
            "Constant  -> y_float_unit",
            "DequantizeLinear w y_float_unit wz -> y_float_kernel",
            "Conv x y_float_kernel -> y_float_sums",
            "Div y_float_sums xs -> y_float_scaled",
            "Cast y_float_scaled -> y",
        ]
    );
    let kept = Changes {
        float_convolutions: false,
        silence: None,
    };
    assert_eq!(change(&original, kept).unwrap(), original);
}

#[test]
fn the_features_are_cropped_by_the_first_duration() {
    let mut nodes = vec![named(
        DURATIONS,
        operator("Clip", &["d"], &["durations"], &[]),
    )];
    for (name, _) in FEATURES {
        nodes.push(named(
            name,
            operator("Reshape", &["f", "shape"], &[name], &[]),
        ));
    }
    let changed = shown(&change(&model(&nodes), ALL).unwrap());
    let last = &changed[changed.len() - 2..];
    assert_eq!(changed.first().unwrap(), "Clip d -> durations");
    assert_eq!(
        last[0],
        "Reshape f shape -> /encoder/Reshape_1_comptoir_silence"
    );
    assert_eq!(
        last[1],
        "Slice /encoder/Reshape_1_comptoir_silence comptoir_silence_begin_2 \
         comptoir_silence_end_2 comptoir_silence_last_axis -> /encoder/Reshape_1"
    );
    // All or nothing: with one of them missing, the lengths would not agree.
    let some = model(&nodes[..3]);
    assert_eq!(change(&some, ALL).unwrap(), some);
}

#[test]
fn another_graph_passes_unchanged() {
    let other = model(&[
        operator("Clip", &["d"], &["c"], &[]),
        operator("ConvInteger", &["q", "w", "z", "wz"], &["y"], &[]),
        operator("Conv", &["x", "w"], &["y"], &[]),
    ]);
    assert_eq!(change(&other, ALL).unwrap(), other);
}

#[test]
fn what_is_no_model_is_told() {
    assert_eq!(change(b"", ALL), Err(Malformed));
    assert_eq!(change(b"version https://git-lfs", ALL), Err(Malformed));
    let whole = model(&[operator("Conv", &["x", "w"], &["y"], &[])]);
    for length in 0..whole.len() {
        // Cut anywhere it is an error, or ends before the graph; never a panic.
        assert!(change(&whole[..length], ALL).is_err(), "{length}");
    }
}
