"""The small base model in torch, with its weights read from the GGUF that the shop runs."""

import math
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

# The linear layers that are adapted, by their names in torch and in GGUF.
LAYERS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def load(gguf: Path, dtype=torch.bfloat16):
    """Model (frozen, its linear layers in `dtype`) and tokenizer. The weights are dequantised:
    the adapter learns on what the quantised model computes."""
    folder, name = str(gguf.parent), gguf.name
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model.requires_grad_(False)
    model.config.use_cache = False
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.data = module.weight.data.to(dtype)
    return model, tokenizer


class Adapted(nn.Module):
    """A frozen linear layer and a low-rank change of it (LoRA, arXiv:2106.09685)."""

    def __init__(self, linear, rank, alpha, dropout):
        super().__init__()
        self.linear = linear
        self.dropout = nn.Dropout(dropout)
        self.scale = alpha / rank
        self.A = nn.Parameter(torch.empty(rank, linear.in_features))
        self.B = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))

    def forward(self, x):
        dtype = self.linear.weight.dtype
        x = x.to(dtype)
        inner = F.linear(self.dropout(x), self.A.to(dtype))
        return self.linear(x) + F.linear(inner, self.B.to(dtype) * self.scale)


def adapt(model, rank, alpha, dropout=0.0):
    """Puts an adapter beside every layer of LAYERS; gives its parameters."""
    for layer in model.model.layers:
        for path in LAYERS:
            part, name = path.split(".")
            parent = getattr(layer, part)
            setattr(parent, name, Adapted(getattr(parent, name), rank, alpha, dropout))
    return [p for p in model.parameters() if p.requires_grad]
