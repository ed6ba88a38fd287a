"""The oracle against itself. Prints one line a check and fails on the first one out of bounds.

1. a longhand numpy model, differentiated by the complex step: states and Jacobians of every case;
2. central differences of the float64 model with halved steps: the error falls with slope 2;
   Jacobian rows taken one by one equal the batched ones;
3. no float32 result in any operation (counted by float64.NoFloat32);
4. transformers' own loaders, unlifted, in another process: the same weights, bit for bit.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import float64  # first: lifts torch before transformers is imported
import netCDF4
import numpy as np
import torch

import tiny_models
from checkpoints import read_folder, read_gguf

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def references():
    """(name, reference path, config, tensors, divisors) of every case and file format."""
    for name, case in tiny_models.CASES.items():
        if case.get("folder", True):
            yield name, GOLDEN / name / "reference.nc", *read_folder(GOLDEN / name), None
        for kind in case.get("gguf", []):
            path = GOLDEN / name / f"model-{kind}.gguf"
            yield f"{name} {kind}", GOLDEN / name / f"reference-{kind}.nc", *read_gguf(path)


def rms_norm(x, weight, eps):
    return weight * x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)


def rotate(x, angle, factor):
    """x: [T, heads, dh] half-split; angle: [T, dh/2]."""
    half = x.shape[-1] // 2
    cos, sin = factor * np.cos(angle)[:, None], factor * np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=-1)


def block(x, layer, config, tensors, inv_freq, factor):
    """One Llama block in longhand; x: [T, d], real or complex (analytic in x)."""

    def linear(name, y):
        out = y @ tensors[f"model.layers.{layer}.{name}.weight"].astype(float).T
        return out + tensors.get(f"model.layers.{layer}.{name}.bias", 0.0)

    def norm(name, y):
        eps = config.get("rms_norm_eps", 1e-6)
        return rms_norm(y, tensors[f"model.layers.{layer}.{name}.weight"].astype(float), eps)

    n_head, length = config["num_attention_heads"], len(x)
    n_kv, dh = config.get("num_key_value_heads", n_head), config.get("head_dim", x.shape[1] // n_head)
    angle = np.outer(np.arange(length), inv_freq)
    h = norm("input_layernorm", x)
    q = rotate(linear("self_attn.q_proj", h).reshape(length, n_head, dh), angle, factor)
    k = rotate(linear("self_attn.k_proj", h).reshape(length, n_kv, dh), angle, factor)
    v = linear("self_attn.v_proj", h).reshape(length, n_kv, dh)
    heads = []
    for head in range(n_head):
        kv = head // (n_head // n_kv)
        p = np.exp(q[:, head] @ k[:, kv].T / np.sqrt(dh)) * np.tri(length)
        heads.append(p / p.sum(axis=1, keepdims=True) @ v[:, kv])
    y = x + linear("self_attn.o_proj", np.concatenate(heads, axis=1))
    h = norm("post_attention_layernorm", y)
    gate = linear("mlp.gate_proj", h)
    return y + linear("mlp.down_proj", gate / (1 + np.exp(-gate)) * linear("mlp.up_proj", h))


def complex_step(x, *rest):
    """[d, d]: derivative of the block's last output token by its last input token, identity removed."""
    out = np.empty((x.shape[1],) * 2)
    for column in range(x.shape[1]):
        shifted = x.astype(complex)
        shifted[-1, column] += 1e-30j
        out[:, column] = block(shifted, *rest)[-1].imag / 1e-30
    return out - np.eye(x.shape[1])


def check_numpy():
    for name, path, config, tensors, _ in references():
        with netCDF4.Dataset(path) as file:
            hidden, jacobian, inv_freq, factor, ids = (
                np.asarray(file[v][...].data)
                for v in ("hidden", "jacobian", "inv_freq", "attention_factor", "token_ids")
            )
        x = tensors["model.embed_tokens.weight"][ids].astype(float)
        state_error, jacobian_error = np.abs(x - hidden[0]).max(), 0.0
        for layer in range(len(jacobian)):
            rest = (layer, config, tensors, inv_freq, float(factor))
            difference = complex_step(hidden[layer], *rest) - jacobian[layer]
            jacobian_error = max(jacobian_error, np.linalg.norm(difference) / np.linalg.norm(jacobian[layer]))
            x = block(x, *rest)
            state_error = max(state_error, np.linalg.norm(x - hidden[layer + 1]) / np.linalg.norm(x))
        print(f"numpy, complex step  {name:24s} states {state_error:.1e}  Jacobian {jacobian_error:.1e}")
        assert state_error < 1e-13 and jacobian_error < 1e-13


def check_differences():
    rng = np.random.default_rng(3)
    for name, path, config, tensors, divisors in references():
        if " " in name:
            continue
        with netCDF4.Dataset(path) as file:
            ids = file["token_ids"][...].data
        model = float64.build_model(config, tensors)
        inputs, outputs, *_ = float64.run_model(model, ids)
        direction = torch.from_numpy(rng.standard_normal(inputs[0].shape[-1]))
        worst = np.inf
        for layer, (x, y) in enumerate(zip(inputs, outputs)):
            jacobian = float64.residual_jacobian(y, x)
            assert np.abs(jacobian - float64.residual_jacobian(y, x, batched=False)).max() < 1e-12
            exact = (jacobian + np.eye(len(jacobian))) @ direction.numpy()
            errors = [
                np.linalg.norm(difference(model, layer, x, direction, h) - exact) for h in (8e-4, 4e-4, 2e-4)
            ]
            worst = min(worst, *np.log2(np.array(errors[:-1]) / errors[1:]))
        print(f"central differences  {name:24s} least slope {worst:.4f}")
        assert worst > 1.9


def difference(model, layer, x, direction, step):
    """Central difference of one block along a direction at the last token, through the model's own layer."""

    def evaluate(shift):
        moved = x.detach().clone()
        moved[0, -1] += shift * direction
        length = x.shape[1]
        mask = torch.triu(torch.full((length, length), torch.finfo(torch.float64).min), 1)[None, None]
        positions = torch.arange(length)[None]
        rotary = model.model.rotary_emb(x, positions)
        return (
            model.model.layers[layer](moved, attention_mask=mask, position_embeddings=rotary)[0, -1]
            .detach()
            .numpy()
        )

    return (evaluate(step) - evaluate(-step)) / (2 * step)


UNLIFTED = """
import sys, json, numpy as np, torch, warnings
warnings.simplefilter("ignore")
from transformers import AutoModelForCausalLM
folder, gguf, out = sys.argv[1:4]
kwargs = {"gguf_file": gguf} if gguf else {}
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **kwargs)
np.savez(out, **{n: v.numpy() for n, v in model.state_dict().items()})
"""


def check_loaders(tmp):
    for name, path, _, tensors, _ in references():
        gguf = f"model-{name.split()[1]}.gguf" if " " in name else ""
        subprocess.run(
            [sys.executable, "-c", UNLIFTED, str(path.parent), gguf, tmp], check=True, capture_output=True
        )
        # transformers drops the attention and MLP biases of a llama GGUF file.
        wanted = {n: v for n, v in tensors.items() if not (gguf and n.endswith(".bias"))}
        with np.load(tmp) as stock:
            same = [np.array_equal(stock[n].view(np.uint32), v.view(np.uint32)) for n, v in wanted.items()]
        print(f"stock loader         {name:24s} {sum(same)} of {len(same)} tensors equal bit for bit")
        assert all(same)


def main():
    check_numpy()
    check_differences()
    print("operations watched for float32:", float64.NoFloat32.count)
    with tempfile.TemporaryDirectory() as folder:
        check_loaders(Path(folder) / "weights.npz")


if __name__ == "__main__":
    main()
