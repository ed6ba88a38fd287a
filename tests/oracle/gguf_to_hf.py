"""A llama GGUF file as a Hugging Face folder: exactly its dequantised values in F32, half-split Q and K rows.

python gguf_to_hf.py FILE.gguf FOLDER
"""

import argparse
from pathlib import Path

import tokens
from checkpoints import read_gguf
from tiny_models import BASE, write_folder


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
    names = {key: BASE[key] for key in ("architectures", "model_type", "hidden_act", "torch_dtype")}
    write_folder(args.folder, {**names, **config}, tensors)
    tokens.from_gguf(args.gguf).save(str(args.folder / "tokenizer.json"), pretty=False)
    print(args.folder, len(tensors), "tensors")


if __name__ == "__main__":
    main()
