"""A GGUF file as a Hugging Face folder: exactly its dequantised values in F32, under the names and in the order of
transformers. (The norm weights of a Gemma, stored less 1, are rounded to F32.)

python gguf_to_hf.py FILE.gguf FOLDER
"""

import argparse
from pathlib import Path

import numpy as np

import family_tokenizers
from checkpoints import read_gguf
from tiny_cases import BASES
from tiny_models import write_folder

NAMES = ("architectures", "model_type", "hidden_act", "hidden_activation", "activation_function")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gguf", type=Path)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    config, tensors, divisors = read_gguf(args.gguf)
    if divisors is not None:
        raise SystemExit("rope_freqs.weight: the rope_scaling entry behind it is not in the file")
    base = next(base for base in BASES.values() if base["model_type"] == config["model_type"])
    names = {key: base[key] for key in NAMES if key in base}
    tensors = {name: value.astype(np.float32) for name, value in tensors.items()}
    write_folder(args.folder, {"torch_dtype": "float32", **names, **config}, tensors)
    family_tokenizers.from_gguf(args.gguf).save(str(args.folder / "tokenizer.json"), pretty=False)
    print(args.folder, len(tensors), "tensors")


if __name__ == "__main__":
    main()
