"""test_tokenizer_files.py: jobs/tokenizer_to_json.py by hand, and of older files made of the golden tokenizers."""

import base64
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = Path(os.environ.get("RESJAC_GOLDEN", ROOT / "tests" / "golden"))
SCRIPT = ROOT / "jobs" / "tokenizer_to_json.py"
MARK = "\u2581"


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, value):
    """Of a protocol buffer's message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sentencepiece(pieces, kind, rules=b"", unknown=0, dummy=1):
    out = b"".join(field(1, field(1, p.encode()) + field(2, float(s)) + field(3, 1)) for p, s in pieces)
    out += field(2, field(3, kind) + field(40, unknown))
    return out + field(3, field(1, b"name") + (field(2, rules) if rules else b"") + field(3, dummy))


def golden(kind):
    return json.loads((GOLDEN / f"tokenizer_{kind}" / "tokenizer.json").read_text())


class Convert(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def convert(self, code=0, says="", **files):
        """Of a folder with these files; the new one, read."""
        for name, content in files.items():
            path = self.folder / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        done = subprocess.run([sys.executable, str(SCRIPT), str(self.folder)], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stdout + done.stderr)
        path = self.folder / "tokenizer.json"
        self.assertEqual(path.exists(), code == 0)
        return json.loads(path.read_text()) if code == 0 else None

    def test_gpt2(self):
        """An OPT: the golden tokenizer again."""
        wanted = golden("opt")
        flags = {e["content"]: {"__type": "AddedToken", **e} for e in wanted["added_tokens"]}
        config = {
            "tokenizer_class": "GPT2Tokenizer",
            "add_bos_token": True,
            "bos_token": flags["</s>"],
            "pad_token": flags["<pad>"],
            "additional_special_tokens": [flags["<s>"], flags["<unk>"]],
        }
        merges = "#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in wanted["model"]["merges"])
        found = self.convert(
            vocab__json=wanted["model"]["vocab"], merges__txt=merges.encode(), tokenizer_config__json=config
        )
        for key in ("model", "added_tokens", "normalizer", "pre_tokenizer"):
            self.assertEqual(found[key], wanted[key], key)
        for key in ("single", "special_tokens"):
            self.assertEqual(found["post_processor"][key], wanted["post_processor"][key])

    def test_gpt2_without_a_frame(self):
        config = {"model_type": "gpt_neo"}
        names = {"add_prefix_space": True, "eos_token": "<|endoftext|>", "pad_token": "[PAD]"}
        found = self.convert(
            vocab__json={"a": 0, "<|endoftext|>": 1}, merges__txt=b"", config__json=config, tokenizer_config__json=names
        )
        self.assertEqual(found["post_processor"]["type"], "ByteLevel")
        self.assertTrue(found["pre_tokenizer"]["add_prefix_space"])
        ids = [(e["id"], e["content"], e["special"], e["normalized"]) for e in found["added_tokens"]]
        self.assertEqual(ids, [(1, "<|endoftext|>", True, False), (2, "[PAD]", True, False)])  # behind all others

    def test_t5(self):
        """The golden tokenizer again, without its last ten pieces."""
        wanted = golden("t5_new")
        vocab = wanted["model"]["vocab"]
        rules = base64.b64decode(wanted["normalizer"]["normalizers"][0]["precompiled_charsmap"])
        found = self.convert(
            spiece__model=sentencepiece(vocab[:-10], 1, rules, 2),
            config__json={"model_type": "t5"},
            tokenizer_config__json={"extra_ids": 10},
        )
        for key in ("model", "added_tokens", "normalizer", "pre_tokenizer"):
            self.assertEqual(found[key], wanted[key], key)
        for key in ("single", "special_tokens"):
            self.assertEqual(found["post_processor"][key], wanted["post_processor"][key])

    def test_llama(self):
        """Pairs by the score of what they make, then by the lengths and the places of their parts."""
        pieces = [("<unk>", 0), ("<s>", 0), ("</s>", 0), (MARK + "ab", -2), ("ab", -1), ("abab", -3)]
        pieces += [(c, -9) for c in (MARK, "a", "b", "aba")]
        config = {"tokenizer_class": "LlamaTokenizer", "bos_token": {"content": "<s>"}}
        found = self.convert(
            tokenizer__model=sentencepiece(pieces, 2), tokenizer_config__json=config, added_tokens__json={"[PAD]": 10}
        )
        merges = [["a", "b"], [MARK, "ab"], ["aba", "b"], ["ab", "ab"], ["ab", "a"]]
        self.assertEqual(found["model"]["merges"], merges)
        self.assertTrue(found["model"]["byte_fallback"] and found["model"]["fuse_unk"])
        self.assertEqual(found["normalizer"], golden("llama2")["normalizer"])
        self.assertIsNone(found["pre_tokenizer"])
        self.assertEqual(found["post_processor"]["special_tokens"]["<s>"]["ids"], [1])
        ids = [(e["id"], e["content"], e["special"], e["normalized"]) for e in found["added_tokens"]]
        specials = [(i, t, True, False) for i, t in enumerate(("<unk>", "<s>", "</s>"))]
        self.assertEqual(ids, [*specials, (10, "[PAD]", False, True)])

    def test_llama_newer(self):
        config = {"tokenizer_class": "LlamaTokenizer", "legacy": False, "add_eos_token": True}
        pieces = [("<unk>", 0), ("<s>", 0), ("</s>", 0), ("a", -1)]
        found = self.convert(tokenizer__model=sentencepiece(pieces, 2), tokenizer_config__json=config)
        self.assertIsNone(found["normalizer"])
        self.assertEqual(found["pre_tokenizer"], golden("metaspace")["pre_tokenizer"])
        self.assertEqual(found["post_processor"]["single"], golden("metaspace")["post_processor"]["single"])

    def test_strangers(self):
        llama = {"tokenizer_class": "LlamaTokenizer"}
        bert = {"tokenizer_class": "BertTokenizer"}
        self.convert(65, "tokenizer_class BertTokenizer is not converted", tokenizer_config__json=bert)
        self.convert(65, "tokenizer.model is missing", tokenizer_config__json=llama)
        unigram = sentencepiece([("a", 0)], 1)
        self.convert(65, "of kind 1, a Llama has byte pairs", tokenizer__model=unigram)
        self.convert(65, "add_dummy_prefix", tokenizer__model=sentencepiece([("a", 0)], 2, dummy=0))
        self.convert(65, "no piece", tokenizer__model=b"")
        self.convert(65, "not a SentencePiece model", tokenizer__model=field(1, 7))
        self.convert(65, "not a SentencePiece model", tokenizer__model=field(1, field(1, 7) + field(2, 9)))
        for n in range(1, len(unigram)):  # cut anywhere
            self.convert(65, "tokenizer_to_json", tokenizer__model=unigram[:n])
        self.convert(65, "model_type unknown", tokenizer_config__json={})


if __name__ == "__main__":
    unittest.main()
