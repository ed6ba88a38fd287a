"""The trained population against torch in float64: states, Jacobians by autograd, their measures. Prints, for every model, the
largest deviation of a run from them over the first prompts.

    build/resjac run input/trained-study.yaml --set arithmetic=double --set store.per_prompt=all --set output=../out/double.nc
    python check_population.py ../../out/double.nc
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "oracle"))
import float64  # noqa: E402, before transformers
import measures  # noqa: E402
import numpy as np  # noqa: E402
from netCDF4 import Dataset  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

INPUT = Path(__file__).resolve().parents[2] / "input"
N_PROMPTS = 3
PAIRWISE = ("coupling_misfit", "excess_coupling", "coupling_misfit_trace", "coupling_misfit_vju", "subspace_uv")


def reference(folder, ids, counts):
    """Measures of one prompt by the oracle."""
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    if "embed_out.weight" in tensors:  # GPT-NeoX, as its files name the head
        tensors["lm_head.weight"] = tensors.pop("embed_out.weight")
    inputs, outputs, _, _ = float64.run_model(float64.build_model(config, tensors), ids)
    jacobians = np.array([float64.residual_jacobian(y, x) for x, y in zip(inputs, outputs)])
    out = measures.coupling(jacobians, counts)
    path = measures.trajectory(float64.states(inputs, outputs)[:, -1])
    singular = np.array([measures.svd_triplets(j)[1] for j in jacobians])
    return {**{name: out[name] for name in PAIRWISE}, "coupling_null": out["coupling_null"],
            "hidden_norm": path["hidden_norm"], "line_shape_score": path["line_shape_score"],
            "expodistance": path["expodistance"], "singular_value": singular}  # fmt: skip


def main():
    file = Dataset(sys.argv[1])
    prompts = (INPUT / "trained-prompts.txt").read_text().splitlines()[:N_PROMPTS]
    for folder in sorted((INPUT / "trained").iterdir()):
        group, worst = file[folder.name], {}
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        for p, text in enumerate(prompts):
            ids = tokenizer.encode(text).ids
            assert group["n_tokens"][p] == len(ids) and group["last_token_id"][p] == ids[-1], folder.name
            for name, value in reference(folder, ids, [int(k) for k in group["k_count"][:]]).items():
                ours = np.ma.filled(group[name][p].astype(np.float64), np.nan)
                value = value[..., : ours.shape[-1]] if name == "singular_value" else value
                scale = value[:, :1] if name == "singular_value" else np.abs(value).max()
                scale = scale if name in ("singular_value", "hidden_norm", "expodistance") else 1.0
                worst[name] = max(worst.get(name, 0.0), np.max(np.abs(ours - value) / scale))
        print(folder.name, *(f"{name} {x:.1e}" for name, x in worst.items()), flush=True)


if __name__ == "__main__":
    main()
