"""Writes tests/golden/cross_token/: derivatives of one token's output by another token's state, for every tiny model of a folder,
and the measures of the token modes of a few (README.md, "Token modes").

python cross_token.py [--out ../golden]
"""

import argparse
import zlib
from pathlib import Path

import netCDF4
import numpy as np

import float64  # before what needs transformers: lifts torch
import torch

import family_gguf
import family_models
import generate
import measures
import tiny_cases
import tiny_models
from checkpoints import read_folder

N_VECTORS = 4
MOST_LAYERS = 4  # whose probes are kept
MEASURED = ("llama_base", "gpt2_odd", "gemma3_base", "t5_base")
MODES = ("self", "fixed_input", "fixed_output")


def model_of(name, folder):
    """The model with exactly the values that the folder's files store."""
    if name in generate.FAMILY_CASES:
        case, config = tiny_cases.CASES[name], tiny_models.case_config(name)
        tensors = family_models.family_weights(config, zlib.crc32(name.encode()))
        tensors = {key: family_gguf.rounded_to(value, case["dtype"]) for key, value in tensors.items()}
    else:
        config, tensors = read_folder(folder)
    return float64.build_model(config, tensors)


def prompt_of(folder):
    """(token ids, states that a decoder attends to or None) of the folder's reference."""
    with netCDF4.Dataset(folder / "reference.nc") as file:
        memory = torch.from_numpy(file["memory"][:].filled())[None] if "memory" in file.variables else None
        return file["token_ids"][:].filled(), memory


def pairs_of(length, bidirectional):
    """(source, target): far, near, in the middle, the same token; of an encoder also a token ahead."""
    middle = length // 2
    near, some, ahead = max(length - 2, 0), min(1, middle), (length - 1, 1) if bidirectional else (0, 0)
    return [(0, length - 1), (near, length - 1), (some, middle), (middle, middle), ahead]


def rows_of(node, leaf, target):
    """[T, d, d]: d node[target] / d leaf[s] for every s, identity included."""
    eye = torch.eye(node.shape[-1])
    with float64.NoFloat32():
        (rows,) = torch.autograd.grad(node[0, target], leaf, eye, retain_graph=True, is_grads_batched=True)
    return rows[:, 0].transpose(0, 1).detach().numpy().copy()


def jacobians_of(model, ids, memory=None):
    """[L, T (target), T (source), d, d], identity removed where both are one token."""
    inputs, outputs, _, _ = float64.run_model(model, ids, memory=memory)
    length = len(ids)
    out = np.array([[rows_of(y, x, t) for t in range(length)] for x, y in zip(inputs, outputs)])
    for t in range(length):
        out[:, t, t] -= np.eye(out.shape[-1])
    return out


def vectors(d):
    """[d, N_VECTORS], as the test has them."""
    return np.cos(1.3 * np.outer(np.arange(d), np.arange(1, N_VECTORS + 1)) + np.arange(N_VECTORS) ** 2)


def probed(jacobian):
    """w_a' J w_b, then ||J||_F and the leading three singular values."""
    w = vectors(len(jacobian))
    s = np.linalg.svd(jacobian, compute_uv=False)
    return np.concatenate([(w.T @ jacobian @ w).ravel(), [np.linalg.norm(jacobian)], s[:3]])


def rank_of(s, d):
    return int((s > 10 * np.finfo(float).eps * np.sqrt(d) * s[0]).sum()) if s[0] > 0 else 0


def mode_measures(jacobians, counts):
    """jacobians: [L, n, d, d], one a token -> misfit, excess [k, L, n, n], null [k, L, n], rank [L, n]."""
    n_layer, n, d = jacobians.shape[:3]
    svds = [[measures.svd_triplets(j) for j in row] for row in jacobians]
    rank = np.array([[rank_of(svd[1], d) for svd in row] for row in svds])
    misfit = np.full((len(counts), n_layer, n, n), np.nan)
    excess, null = misfit.copy(), misfit[..., 0].copy()
    for kk, k in enumerate(counts):
        for layer in range(n_layer):
            for i in range(n):
                if rank[layer, i] < k:
                    continue
                null[kk, layer, i] = measures.null(np.linalg.norm(jacobians[layer, i]) / d, svds[layer][i][1][:k])
                for j in range(n):
                    if rank[layer, j] >= k:
                        pair = measures.pair(jacobians[layer, i], svds[layer][i], svds[layer][j], k)
                        misfit[kk, layer, i, j] = pair["coupling_misfit"]
                        excess[kk, layer, i, j] = pair["excess_coupling"]
    return misfit, excess, null, rank.astype(np.int32)


def influence(jacobians):
    """[L, n, d, d] -> Frobenius norm, spectral norm, participation ratio, effective rank [L, n]."""
    s = np.linalg.svd(jacobians, compute_uv=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = s / s.sum(axis=-1, keepdims=True)
        entropy = -np.where(p > 0, p * np.log(p), 0).sum(axis=-1)
        participation = s.sum(axis=-1) ** 2 / (s**2).sum(axis=-1)
    effective = np.where(s[..., 0] > 0, np.exp(entropy), np.nan)
    return np.sqrt((s**2).sum(axis=-1)), s[..., 0], participation, effective


def measured(jacobians, ids):
    """All variables of the token modes with every token, K = 2, 5."""
    counts, length = [2, 5], len(ids)
    chosen = {
        "self": jacobians[:, range(length), range(length)],
        "fixed_input": jacobians[:, :, 0],
        "fixed_output": jacobians[:, -1],
    }
    out = {"token_ids": (("token",), np.asarray(ids, np.int32)), "k_count": (("k",), np.array(counts, np.int32))}
    for mode, values in chosen.items():
        misfit, excess, null, rank = mode_measures(values, counts)
        out[f"{mode}_coupling_misfit"] = (("k", "layer", "token", "token_j"), misfit)
        out[f"{mode}_excess_coupling"] = (("k", "layer", "token", "token_j"), excess)
        out[f"{mode}_coupling_null"] = (("k", "layer", "token"), null)
        out[f"{mode}_numerical_rank"] = (("layer", "token"), rank)
    for name, value in zip(("frobenius", "spectral", "participation", "rank"), influence(jacobians[:, -1])):
        out[f"influence_{name}"] = (("layer", "token"), value)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "golden")
    args = parser.parse_args()
    folder = args.out / "cross_token"
    folder.mkdir(exist_ok=True)
    names = sorted(path.parent.name for path in args.out.glob("*/reference.nc"))
    probes = {}
    for name in names:
        ids, memory = prompt_of(args.out / name)
        jacobians = jacobians_of(model_of(name, args.out / name), ids, memory)
        pairs = pairs_of(len(ids), name.startswith("t5_"))
        probes[name] = (pairs, np.array([[probed(row[t, s]) for s, t in pairs] for row in jacobians[:MOST_LAYERS]]))
        if name in MEASURED:
            generate.write_reference(folder / f"tokens-{name}.nc", measured(jacobians, ids), name, 0)
        print(name, probes[name][1].shape, flush=True)
    most = max(values.shape[0] for _, values in probes.values())
    shape = next(iter(probes.values()))[1].shape[1:]
    value = np.full((len(names), most, *shape), np.nan)
    for i, name in enumerate(names):
        value[i, : len(probes[name][1])] = probes[name][1]
    variables = {
        "pair": (("case", "pair", "end"), np.array([probes[name][0] for name in names], np.int32)),
        "probe": (("case", "layer", "pair", "number"), value),
    }
    generate.write_reference(folder / "probes.nc", variables, " ".join(names), 0)


if __name__ == "__main__":
    main()
