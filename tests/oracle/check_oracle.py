"""The oracle against itself. Prints one line a check and fails on the first one out of bounds.

1. a longhand numpy model, differentiated by the complex step: states and Jacobians of every case of tiny_cases.py;
2. central differences of the float64 model with halved steps: the error falls with slope 2;
   Jacobian rows taken one by one equal the batched ones;
3. no float32 result in any operation (counted by float64.NoFloat32);
4. transformers' own loaders, unlifted, in another process: the same weights, bit for bit.

python check_oracle.py [case ...]
"""

import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import netCDF4
import numpy as np
import torch

import family_gguf
import family_models
import float64  # before what needs transformers: lifts torch
import longhand
import tiny_cases
import tiny_models
from checkpoints import read_folder, read_gguf
from family_cases import FAMILY_CASES

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def references():
    """(name, reference path, config, tensors, divisors) of every case and file format."""
    for name, case in tiny_cases.CASES.items():
        if name in FAMILY_CASES or name not in chosen():
            continue
        if case.get("folder", True):
            yield name, GOLDEN / name / "reference.nc", *read_folder(GOLDEN / name), None
        for kind in case.get("gguf", []):
            path = GOLDEN / name / f"model-{kind}.gguf"
            yield f"{name} {kind}", GOLDEN / name / f"reference-{kind}.nc", *read_gguf(path)


def chosen():
    return sys.argv[1:] or tiny_cases.CASES


def family_references():
    """The same of the folders of family_cases.py, the weights drawn again."""
    for name in FAMILY_CASES:
        if name in chosen():
            config = tiny_models.case_config(name)
            tensors = family_models.family_weights(config, zlib.crc32(name.encode()))
            kind = FAMILY_CASES[name]["dtype"]
            tensors = {key: family_gguf.rounded_to(value, kind) for key, value in tensors.items()}
            yield name, GOLDEN / name / "reference.nc", config, tensors, None


def check_numpy():
    for name, path, config, tensors, _ in references():
        with netCDF4.Dataset(path) as file:
            stored = {v: np.asarray(file[v][...].data) for v in file.variables}
        hidden, ids = stored["hidden"], stored["token_ids"]
        x = longhand.embedded(config, tensors, ids)
        state_error, jacobian_error = np.abs(x - hidden[0]).max(), 0.0
        for layer in range(len(hidden) - 1):
            rest = (layer, config, tensors, stored)
            jacobian, column = stored.get("jacobian"), 1
            if jacobian is None:
                jacobian = stored["jacobian_columns"]
                column = x.shape[1] // jacobian.shape[-1]
            difference = longhand.complex_step(hidden[layer], *rest)[:, ::column] - jacobian[layer]
            jacobian_error = max(jacobian_error, np.linalg.norm(difference) / np.linalg.norm(jacobian[layer]))
            x = longhand.block(x, *rest)
            state_error = max(state_error, np.linalg.norm(x - hidden[layer + 1]) / np.linalg.norm(x))
        logits = longhand.logits(x[-1], config, tensors)
        state_error = max(
            state_error, np.linalg.norm(logits - stored["logits_last"]) / np.linalg.norm(logits)
        )
        print(f"numpy, complex step  {name:24s} states {state_error:.1e}  Jacobian {jacobian_error:.1e}")
        assert state_error < 1e-13 and jacobian_error < 1e-13


def check_differences():
    rng = np.random.default_rng(3)
    for name, path, config, tensors, divisors in (*references(), *family_references()):
        if " " in name:
            continue
        with netCDF4.Dataset(path) as file:
            ids = file["token_ids"][...].data
        model, calls = float64.build_model(config, tensors), []
        inputs, outputs, *_ = float64.run_model(model, ids, calls)
        direction = torch.from_numpy(rng.standard_normal(inputs[0].shape[-1]))
        worst = np.inf
        clipped = "clip_qkv" in str(config)  # no value may cross the clip
        steps = (4e-5, 2e-5, 1e-5) if clipped else (8e-4, 4e-4, 2e-4)
        for layer, (x, y) in enumerate(zip(inputs, outputs)):
            jacobian = float64.residual_jacobian(y, x)
            assert np.abs(jacobian - float64.residual_jacobian(y, x, batched=False)).max() < 1e-12
            exact = (jacobian + np.eye(len(jacobian))) @ direction.numpy()
            errors = [
                np.linalg.norm(
                    difference(float64.blocks(model)[layer], calls[layer], x, direction, h) - exact
                )
                for h in steps
            ]
            worst = min(worst, *np.log2(np.array(errors[:-1]) / errors[1:]))
        print(f"central differences  {name:24s} least slope {worst:.4f}")
        assert worst > 1.9


def difference(block, call, x, direction, step):
    """Central difference of one block along a direction at the last token, through the model's own layer."""
    args, kwargs = call

    def evaluate(shift):
        moved = x.detach().clone()
        moved[0, -1] += shift * direction
        out = block(moved, *args, **kwargs)
        return (out[0] if isinstance(out, tuple) else out)[0, -1].detach().numpy()

    return (evaluate(step) - evaluate(-step)) / (2 * step)


UNLIFTED = """
import sys, json, numpy as np, torch, warnings
warnings.simplefilter("ignore")
from transformers import AutoConfig, AutoModelForCausalLM
folder, gguf, shape, out = sys.argv[1:5]
kwargs = {}
if gguf:
    # Without a token list transformers knows no vocabulary size; it reads no n_inner and no head size of a Qwen2.
    kwargs = {"gguf_file": gguf, "config": AutoConfig.from_pretrained(folder, gguf_file=gguf)}
    for key, value in json.loads(shape).items():
        setattr(kwargs["config"], key, value)
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **kwargs)
names = {n: n.replace("model.language_model.", "model.") for n in model.state_dict()}
np.savez(out, **{names[n]: v.numpy() for n, v in model.state_dict().items()})
"""
SHAPE_KEYS = ("vocab_size", "n_positions", "n_inner", "head_dim")


def check_loaders(tmp):
    for name, path, config, tensors, _ in (*references(), *family_references()):
        if FAMILY_CASES.get(name, {}).get("original", False):
            continue  # which transformers knows no more
        gguf = f"model-{name.split()[1]}.gguf" if " " in name else ""
        shape = json.dumps({key: config[key] for key in SHAPE_KEYS if key in config})
        subprocess.run(
            [sys.executable, "-c", UNLIFTED, str(path.parent), gguf, shape, tmp],
            check=True,
            capture_output=True,
        )
        # transformers drops the attention and MLP biases of a llama GGUF file.
        biasless = gguf and config["model_type"] == "llama"
        wanted = {
            n: v.astype(np.float32) for n, v in tensors.items() if not (biasless and n.endswith(".bias"))
        }
        with np.load(tmp) as stock:
            same = [np.array_equal(stock[n].view(np.uint32), v.view(np.uint32)) for n, v in wanted.items()]
        print(
            f"stock loader         {name:24s} {sum(same)} of {len(same)} tensors equal bit for bit",
            flush=True,
        )
        assert all(same)


def main():
    check_numpy()
    check_differences()
    print("operations watched for float32:", float64.NoFloat32.count)
    with tempfile.TemporaryDirectory() as folder:
        check_loaders(Path(folder) / "weights.npz")


if __name__ == "__main__":
    main()
