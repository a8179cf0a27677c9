"""MiniLM-L6 (Wang et al. 2020): BERT's encoder in six layers of 384, as its packaged weights need it, and no more."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional

LAYERS, WIDTH, HEADS, INNER = 6, 384, 12, 1536
WORDS, POSITIONS = 30_522, 512
NORM_EPS = 1e-12
ONEDNN_LINEAR = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None


def _linear(layer: nn.Linear, x: torch.Tensor, *, gelu: bool = False) -> torch.Tensor:
    """The layer's product; on a CPU by oneDNN, which for a few texts takes half the time of torch's own choice."""
    if ONEDNN_LINEAR is not None and x.device.type == "cpu":
        return ONEDNN_LINEAR(x, layer.weight, layer.bias, "gelu" if gelu else "none", [], "none" if gelu else "")
    return functional.gelu(layer(x)) if gelu else layer(x)


class _Layer(nn.Module):
    """Attention and two products, each added to what came in and then normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(WIDTH, 3 * WIDTH)  # queries, keys and values at once
        self.gather = nn.Linear(WIDTH, WIDTH)
        self.gather_norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)
        self.widen = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.narrow_norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        texts, tokens, _ = x.shape
        parts = _linear(self.look, x).view(texts, tokens, 3, HEADS, WIDTH // HEADS)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # (N, heads, L, D / heads) each
        attended = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        x = self.gather_norm(x + _linear(self.gather, attended.transpose(1, 2).reshape(texts, tokens, WIDTH)))
        return self.narrow_norm(x + _linear(self.narrow, _linear(self.widen, x, gelu=True)))


class MiniLM(nn.Module):
    """(N, L) token ids and (N, L) mask, 1 for tokens and 0 for padding -> (N, 384) means over the tokens' states."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=NORM_EPS)
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def load_trained(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over the packaged weights, which carry BERT's names.

        Raises:
            KeyError, RuntimeError: they are not those of this network.
        """
        renamed = {
            "words.weight": weights["embeddings.word_embeddings.weight"],
            # every token is of the first of BERT's two kinds
            "positions.weight": weights["embeddings.position_embeddings.weight"]
            + weights["embeddings.token_type_embeddings.weight"][0],
        }
        for part in ("weight", "bias"):
            renamed[f"norm.{part}"] = weights[f"embeddings.LayerNorm.{part}"]
            for i in range(LAYERS):
                theirs = f"encoder.layer.{i}"
                heads = [weights[f"{theirs}.attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                renamed |= {
                    f"layers.{i}.look.{part}": torch.cat(heads),
                    f"layers.{i}.gather.{part}": weights[f"{theirs}.attention.output.dense.{part}"],
                    f"layers.{i}.gather_norm.{part}": weights[f"{theirs}.attention.output.LayerNorm.{part}"],
                    f"layers.{i}.widen.{part}": weights[f"{theirs}.intermediate.dense.{part}"],
                    f"layers.{i}.narrow.{part}": weights[f"{theirs}.output.dense.{part}"],
                    f"layers.{i}.narrow_norm.{part}": weights[f"{theirs}.output.LayerNorm.{part}"],
                }
        self.load_state_dict(renamed)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):  # in memory by columns, as the product reads them
                layer.weight = nn.Parameter(layer.weight.detach().t().contiguous().t())

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.words(ids) + self.positions.weight[: ids.shape[1]])  # (N, L, D)
        seen = mask[:, None, None, :].bool()
        for layer in self.layers:
            x = layer(x, seen)
        counted = mask[..., None].to(x.dtype)
        return (x * counted).sum(dim=1) / counted.sum(dim=1)
