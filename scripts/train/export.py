#!/usr/bin/env python3
"""The trained adapter as a GGUF that llama.cpp puts on the quantised base.

usage: export.py ADAPTER.pt OUT.gguf
"""

import re
import sys

import gguf
import numpy as np
import torch

from base import LAYERS


def main():
    source, target = sys.argv[1:3]
    saved = torch.load(source)
    out = gguf.GGUFWriter(target, "gemma3")
    out.add_type("adapter")
    out.add_string("adapter.type", "lora")
    out.add_float32("adapter.lora.alpha", saved["alpha"])
    out.add_name("comptoir-nlu")
    for name, tensor in saved["weights"].items():
        layer, path, part = re.match(r"model\.layers\.(\d+)\.(.*)\.([AB])$", name).groups()
        out.add_tensor(f"blk.{layer}.{LAYERS[path]}.weight.lora_{part.lower()}", tensor.float().numpy().astype(np.float16))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    print(f"{target}: {len(saved['weights'])} tensors")


if __name__ == "__main__":
    main()
