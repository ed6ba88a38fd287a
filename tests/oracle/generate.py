"""Writes tests/golden/<case>/: tiny models in several formats and float64 reference files.

python generate.py [--out ../golden] [case ...]
"""

import argparse
import zlib
from pathlib import Path

import netCDF4
import numpy as np

import family_gguf
import float64  # before what needs transformers: lifts torch
import family_models
import measures
import tiny_cases
import tiny_gguf
import tiny_models
import tiny_weights
import tokens
from checkpoints import read_folder, read_gguf
from family_cases import FAMILY_CASES

NULL_DRAWS = 4000
# A wide model's reference keeps every (d / N_COLUMNS)-th column of its Jacobians alone.
WIDE, N_COLUMNS = 256, 16


def reference(config, tensors, token_ids, divisors=None, sources=False, measures_too=True, decoder_ids=None):
    """All variables of one reference file: name -> (dims, values). decoder_ids: what a decoder reads where token_ids are the
    encoder's.
    """
    inv_freq = None
    if divisors is not None:
        d_head = config["head_dim"]
        inv_freq = config["rope_theta"] ** (-np.arange(0, d_head, 2) / d_head) / divisors
    model = float64.build_model(config, tensors, inv_freq)
    out, memory = {"token_ids": (("token",), np.asarray(token_ids, np.int32))}, None
    if decoder_ids is not None:
        memory = float64.encoder_states(model, token_ids)
        out["memory_ids"] = (("memory_token",), np.asarray(token_ids, np.int32))
        out["memory"] = (("memory_token", "d"), memory[0].numpy())
        out["token_ids"] = (("token",), np.asarray(decoder_ids, np.int32))
        token_ids = decoder_ids
    inputs, outputs, normed, logits = float64.run_model(model, token_ids, memory=memory)
    by_source = [float64.jacobian_by_source(y, x) for x, y in zip(inputs, outputs)]
    eye = np.eye(by_source[0].shape[-1])
    jacobians = np.array([j[-1] - eye for j in by_source])
    hidden = float64.states(inputs, outputs)
    out |= {
        "hidden": (("depth", "token", "d"), hidden),
        **({} if not measures_too else {"final_normed": (("token", "d"), normed[0].detach().numpy())}),
        **({} if logits is None else {"logits_last": (("vocab",), logits)}),
        "jacobian": (("layer", "d", "d_in"), jacobians),
        **final_norm(model, normed, inputs[-1]),
        **float64.rotary_tables(model),
    }
    if len(eye) >= WIDE:
        out["jacobian_columns"] = (("layer", "d", "column"), jacobians[:, :, :: len(eye) // N_COLUMNS])
    if sources:
        all_sources = np.array([np.concatenate([j[:-1], (j[-1] - eye)[None]]) for j in by_source])
        out["jacobian_source"] = (("layer", "token", "d", "d_in"), all_sources)
    return {**out, **measured(hidden[:, -1], jacobians)} if measures_too else out


def final_norm(model, normed, last_input):
    """The final norm was applied to the last block's output, so the same graph gives its derivative too; none where no norm
    ends the trunk.
    """
    if not float64.ends_in_norm(model):
        return {}
    return {"jacobian_final_norm": (("d", "d_in"), float64.residual_jacobian(normed, last_input))}


TRAJECTORY_DIMS = {
    "hidden_norm": ("depth",),
    "step_norm": ("layer",),
    "step_cosine": ("layer",),
    "final_cosine": ("layer",),
    "trajectory_pc_abs": ("depth", "pc"),
}
SPECTRUM_DIMS = {
    "singular_value": ("layer", "sv"),
    "relative_gap": ("k", "layer"),
    "inverse_sv_slope": ("sv",),
    "inverse_sv_r2": ("sv",),
}
NULL_DIMS = {"coupling_null": ("k", "layer"), "coupling_null_sd": ("k", "layer")}


def measured(states, jacobians):
    counts = measures.k_counts(jacobians.shape[1])
    out = {"k_count": (("k",), np.array(counts, np.int32))}
    for name, value in measures.trajectory(states).items():
        out[name] = (TRAJECTORY_DIMS.get(name, ()), value)
    for name, value in measures.spectrum(jacobians).items():
        out[name] = (SPECTRUM_DIMS.get(name, ("layer",)), value)
    for name, value in measures.coupling(jacobians, counts, NULL_DRAWS).items():
        out[name] = (NULL_DIMS.get(name, ("k", "layer", "layer_j")), value)
    return out


def write_reference(path, variables, source, n_parameters=None):
    """Small files in the classic format, whose index takes no room."""
    classic = n_parameters is not None or path.name != "reference.nc"
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET" if classic else "NETCDF4") as file:
        if n_parameters is not None:
            file.n_parameters = np.int32(n_parameters)
        file.title = "float64 reference, see tests/oracle/README.md"
        file.source = source
        for name, (dims, values) in variables.items():
            values = np.asarray(values)
            for dim, size in zip(dims, values.shape):
                if dim not in file.dimensions:
                    file.createDimension(dim, size)
            kind = "i4" if values.dtype == np.int32 else "f8"
            # Small variables stay contiguous: a chunk index costs more than compression saves.
            large = values.nbytes > 16384 and not classic
            packed = dict(zlib=True, complevel=9, shuffle=True) if large else {}
            file.createVariable(name, kind, dims, **packed)[...] = values


# GGUF files hold the same model again: their references keep what depends on reading the weights, and a few measures of
# the Llamas.
GGUF_VARIABLES = (
    "token_ids",
    "memory_ids",
    "memory",
    "hidden",
    "logits_last",
    "jacobian",
    "inv_freq",
    "attention_factor",
    "inv_freq_sliding",
    "attention_factor_sliding",
    "singular_value",
)
GGUF_MEASURES = ("hidden_norm", "line_shape_score", "k_count", "coupling_misfit", "excess_coupling")


def kept_variables(values, config):
    names = GGUF_VARIABLES + (GGUF_MEASURES if config["model_type"] == "llama" else ())
    if "jacobian_columns" in values:
        names = ["jacobian_columns" if name == "jacobian" else name for name in names]
    return [name for name in names if name in values]


def generate_family_case(name, out):
    """A case of family_cases.py."""
    case, folder = tiny_cases.CASES[name], out / name
    config = tiny_models.case_config(name)
    tensors = family_models.family_weights(config, zlib.crc32(name.encode()))
    token_ids = tiny_models.prompt(name, config["vocab_size"])
    decoder_ids = None
    if "decoder_T" in case:
        decoder_ids = [config["decoder_start_token_id"], *token_ids[: case["decoder_T"] - 1]]
    named, keys = family_models.by_expert(tiny_models.folder_tensors(name, tensors)), tiny_models.folder_config(name)
    if case.get("original", False):
        keys, named = family_models.original_olmo(config, tensors)
    tiny_models.write_folder(folder, keys, named, case["dtype"])
    read = {key: family_gguf.rounded_to(value, case["dtype"]) for key, value in tensors.items()}
    values = reference(config, read, token_ids, measures_too=False, decoder_ids=decoder_ids)
    n = sum(value.size for value in tensors.values())
    write_reference(folder / "reference.nc", values, name, n)
    for kind in case.get("gguf", []):
        path = folder / f"model-{kind}.gguf"
        said = family_gguf.as_gguf_says(config, case)
        family_gguf.write_gguf(path, said, tensors, kind, case)
        stored = family_gguf.stored(tensors, said, kind)
        values = reference(said, stored, token_ids, measures_too=False, decoder_ids=decoder_ids)
        values = {variable: values[variable] for variable in kept_variables(values, said)}
        write_reference(folder / f"reference-{kind}.nc", values, path.name, n)
    print(name, "written", flush=True)


def generate_case(name, out):
    case, folder = tiny_cases.CASES[name], out / name
    config = tiny_models.case_config(name)
    tensors = tiny_weights.random_weights(config, zlib.crc32(name.encode()))
    token_ids = tiny_models.prompt(name, config["vocab_size"])
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokens.ascii_tokenizer() if name == "llama_base" else None
    if tokenizer is not None:
        tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    if case.get("folder", True):
        tiny_models.write_folder(
            folder,
            tiny_models.folder_config(name),
            tiny_models.folder_tensors(name, tensors),
            case.get("dtype", "F32"),
            case.get("shards", 1),
        )
        values = reference(*read_folder(folder), token_ids, sources=name == "llama_base")
        write_reference(folder / "reference.nc", values, name)
    for kind in case.get("gguf", []):
        path = folder / f"model-{kind}.gguf"
        tiny_gguf.write_gguf(path, config, tensors, kind, tokenizer=tokenizer)
        gguf_config, gguf_tensors, divisors = read_gguf(path)
        values = reference(gguf_config, gguf_tensors, token_ids, divisors)
        values = {variable: values[variable] for variable in kept_variables(values, gguf_config)}
        write_reference(folder / f"reference-{kind}.nc", values, path.name)
    if name == "llama_base":
        tiny_gguf.write_gguf(folder / "model-F16-v2.gguf", config, tensors, "F16", 2, tokenizer)
    print(name, "written", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(tiny_cases.CASES))
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "golden")
    args = parser.parse_args()
    for name in args.cases:
        (generate_family_case if name in FAMILY_CASES else generate_case)(name, args.out)


if __name__ == "__main__":
    main()
