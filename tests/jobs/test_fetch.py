"""test_fetch.py RESJAC: jobs/fetch.sh against a hub on this machine, and jobs/bin_to_safetensors.py."""

import json
import os
import pickle
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

from hub import COMMIT, TOKEN, Hub

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = Path(os.environ.get("RESJAC_GOLDEN", ROOT / "tests" / "golden"))
sys.path.insert(0, str(ROOT / "jobs"))
import bin_to_safetensors  # noqa: E402

RESJAC = sys.argv.pop() if len(sys.argv) > 1 else None
SINGLE = {p.name: p.read_bytes() for p in (GOLDEN / "llama_base").iterdir() if p.suffix in (".json", ".safetensors")}
SHARDED = {
    p.name: p.read_bytes() for p in (GOLDEN / "llama_sharded").iterdir() if p.suffix in (".json", ".safetensors")
}
BIN = {"config.json": SINGLE["config.json"], "pytorch_model.bin": (GOLDEN / "torch_bin" / "archive.bin").read_bytes()}


class Attack:
    def __reduce__(self):
        return (os.system, ("touch /tmp/resjac-pickle-ran",))


def archive(path, content):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", content)


def read_safetensors(path):
    """name -> (type, shape, bytes)"""
    data = path.read_bytes()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + n])
    header.pop("__metadata__", None)
    at = lambda t: data[8 + n + t["data_offsets"][0] : 8 + n + t["data_offsets"][1]]  # noqa: E731
    return {name: (t["dtype"], t["shape"], at(t)) for name, t in header.items()}


class Fetch(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.repositories = {}

    def start(self, **more):
        """A hub of the given repositories (org__name=files), and a catalogue of them."""
        rows = ["model,repository,revision,list,family,lineage"]
        for key, files in more.items():
            repository = key.replace("__", "/")
            self.repositories[repository] = files
            rows.append(f"{repository.split('/')[1]},{repository},{COMMIT},more,llama,tiny")
        self.rows = rows
        (self.folder / "models.csv").write_text("\n".join(rows) + "\n")
        self.hub = Hub(self.repositories)
        self.addCleanup(self.hub.close)

    def command(self, *args):
        return ["bash", str(ROOT / "jobs" / "fetch.sh"), "--catalogue", str(self.folder / "models.csv"), "--to",
                str(self.folder / "a folder"), *args]  # fmt: skip

    def environment(self, token):
        env = {**os.environ, "HF_ENDPOINT": self.hub.address, "FETCH_WAIT": "0.01", "no_proxy": "*"}
        env.pop("HF_TOKEN", None)
        return {**env, "HF_TOKEN": token} if token else env

    def fetch(self, *args, code=0, says="", token=""):
        done = subprocess.run(
            self.command(*args), env=self.environment(token), capture_output=True, text=True, check=False
        )
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, text)
        self.assertIn(says, text)
        self.assertNotIn(TOKEN, text)
        return text

    def files(self, name):
        return {p.name for p in (self.folder / "a folder" / name).iterdir()}

    def ranges(self):
        return [s[2] for s in self.hub.seen if s[0] == "store" and s[2]]

    def inspects(self, path):
        if RESJAC:
            # what MPI keeps is its own: a sanitizer must not look for leaks
            environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
            subprocess.run([RESJAC, "inspect", str(path)], check=True, capture_output=True, env=environment)

    def test_safetensors_alone(self):
        extra = {
            "pytorch_model.bin": b"x" * 99,
            "model.onnx": b"y" * 99,
            "README.md": b"z",
            ".gitattributes": b"",
            "LICENSE": b"l",
        }
        self.start(org__single={**SINGLE, **extra})
        text = self.fetch("single", says="1 models")
        self.assertLess(text.index("missing"), text.index("is whole"))
        self.assertEqual(self.files("single"), {*SINGLE, "LICENSE", "fetched.json"})
        folder = self.folder / "a folder" / "single"
        for name, data in SINGLE.items():
            self.assertEqual((folder / name).read_bytes(), data)
        self.inspects(folder)
        n = len(self.hub.seen)
        self.fetch("single", says="is there")
        self.assertEqual(len(self.hub.seen), n + 1)  # the listing only

    def test_shards_by_the_index(self):
        stray = {"model-00009-of-00009.safetensors": b"no part of the set"}
        self.start(org__sharded={**SHARDED, **stray})
        self.fetch("--lineage", "tiny")
        self.assertEqual(self.files("sharded"), {*SHARDED, "fetched.json"})
        self.inspects(self.folder / "a folder" / "sharded")

    def test_dry_run_and_sizes(self):
        self.start(org__single=SINGLE, org__bin=BIN)
        self.fetch("--family", "llama", "--dry-run", says="2 models")
        self.assertFalse((self.folder / "a folder").exists())
        self.fetch("*", "--max-size", "0.000001", says="left out")
        self.assertFalse((self.folder / "a folder" / "single").exists())
        self.fetch("none", code=66, says="no model none")
        self.fetch(code=64, says="name models")
        self.fetch("--list", "nothing", code=64, says="invalid choice")

    def test_connection_cut(self):
        self.start(org__cut=SINGLE)
        self.fetch("cut", says="is whole")
        self.assertIn(f"bytes={len(SINGLE['model.safetensors']) // 2}-", self.ranges())

    def test_killed_and_resumed(self):
        self.start(org__slow=SINGLE)
        job = subprocess.Popen(self.command("slow"), env=self.environment(""), start_new_session=True,
                               stdout=subprocess.DEVNULL)  # fmt: skip
        self.assertTrue(self.hub.half.wait(20))
        part = self.folder / "a folder" / "slow" / "model.safetensors.part"
        half = len(SINGLE["model.safetensors"]) // 2
        for _ in range(200):
            if part.is_file() and part.stat().st_size:
                break
            signal.sigtimedwait([], 0.02)
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()
        self.assertFalse(part.with_suffix("").exists())
        part.write_bytes(SINGLE["model.safetensors"][:half])  # whatever of it had reached the disk
        self.fetch("slow", says="is whole")
        self.assertEqual(self.ranges(), [f"bytes={half}-"])
        self.assertEqual((part.with_suffix("")).read_bytes(), SINGLE["model.safetensors"])

    def test_damaged_part(self):
        self.start(org__single=SINGLE, org__noranges=SINGLE)
        for name in ("single", "noranges"):
            folder = self.folder / "a folder" / name
            folder.mkdir(parents=True)
            (folder / "model.safetensors.part").write_bytes(b"another file")
            self.fetch(name, says="is whole")
            self.assertEqual((folder / "model.safetensors").read_bytes(), SINGLE["model.safetensors"])

    def test_wrong_hash(self):
        self.start(org__wrong=SINGLE, org__single=SINGLE)
        self.fetch("wrong", "single", code=69, says="its sha256 hash is")
        self.assertNotIn("model.safetensors", self.files("wrong"))
        self.assertNotIn("model.safetensors.part", self.files("wrong"))
        self.assertIn("model.safetensors", self.files("single"))  # the others go on

    def test_tokens(self):
        self.start(private__model=SINGLE, gated__closed=SINGLE)
        self.fetch("model", code=69, says="set HF_TOKEN")
        self.fetch("closed", code=69, says="accept its conditions at")
        self.fetch("closed", code=69, says="with the account of HF_TOKEN", token=TOKEN)
        self.fetch("model", code=69, says="HF_TOKEN is wrong", token="hf_other")
        self.hub.seen.clear()
        self.fetch("model", token=TOKEN)
        seen = {(server, token) for server, _, _, token in self.hub.seen}
        self.assertEqual(seen, {("hub", f"Bearer {TOKEN}"), ("store", None)})  # the store never sees it

    def test_busy_and_gone(self):
        self.start(org__busy=SINGLE)
        self.fetch("busy", says="is whole")
        table = self.folder / "models.csv"
        table.write_text(table.read_text().replace(COMMIT, "f" * 40))
        self.fetch("busy", code=69, says="no such revision")
        table.write_text(table.read_text().replace("org/busy", "org/gone"))
        self.fetch("busy", code=69, says="does not exist")
        self.hub.close()
        self.fetch("busy", code=69, says="does not answer")

    def test_a_branch(self):
        self.start(org__single=SINGLE)
        table = self.folder / "models.csv"
        table.write_text(table.read_text().replace(COMMIT, "step1000"))
        self.fetch("single", says="step1000")
        self.assertEqual(
            json.loads((self.folder / "a folder" / "single" / "fetched.json").read_text())["commit"], COMMIT
        )

    def test_no_folder(self):
        self.start(org__single=SINGLE)
        (self.folder / "a folder").write_text("a file")
        self.fetch("single", code=74, says="a folder")

    def test_another_commit_is_there(self):
        self.start(org__single=SINGLE)
        self.fetch("single")
        record = self.folder / "a folder" / "single" / "fetched.json"
        record.write_text(record.read_text().replace(COMMIT, "a" * 40))
        self.fetch("single", code=69, says="move it away")

    def test_bin_is_converted(self):
        self.start(org__bin=BIN)
        self.fetch("bin", says="no tokenizer.json")
        self.assertEqual(self.files("bin"), {"config.json", "model.safetensors", "fetched.json"})
        self.fetch("bin", says="is there")
        found = read_safetensors(self.folder / "a folder" / "bin" / "model.safetensors")
        self.assertEqual(found, read_safetensors(GOLDEN / "torch_bin" / "tensors.safetensors"))

    def test_tokenizer_of_older_files(self):
        files = {k: v for k, v in SINGLE.items() if k != "tokenizer.json"}
        vocabulary = {"vocab.json": b'{"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3}', "merges.txt": b"#version: 0.2\na b\n"}
        vocabulary["tokenizer_config.json"] = b'{"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>"}'
        self.start(org__old={**files, **vocabulary}, org__none=files)
        self.fetch("old", says="tokenizer.json made of vocab.json")
        folder = self.folder / "a folder" / "old"
        self.assertEqual(json.loads((folder / "tokenizer.json").read_text())["model"]["merges"], [["a", "b"]])
        self.inspects(folder)
        self.fetch("none", says="no tokenizer.json (have transformers write one): tokenizer.model is missing")

    def test_bin_that_runs_something(self):
        path = self.folder / "evil.bin"
        archive(path, pickle.dumps({"weight": Attack()}))
        self.start(org__evil={**BIN, "pytorch_model.bin": path.read_bytes()})
        self.fetch("evil", code=69, says="posix.system, which no plain set of tensors needs")
        self.assertFalse(Path("/tmp/resjac-pickle-ran").exists())
        self.assertNotIn("model.safetensors", self.files("evil"))

    def test_cache_of_the_hub(self):
        """snapshots/<commit>/ holds symbolic links to ../../blobs/<hash>, as Hugging Face's own programmes store."""
        for i, files in enumerate((SINGLE, SHARDED)):
            cache = self.folder / f"models--org--{i}"
            (cache / "blobs").mkdir(parents=True)
            (cache / "snapshots" / COMMIT).mkdir(parents=True)
            for k, (name, data) in enumerate(files.items()):
                (cache / "blobs" / f"{k:064x}").write_bytes(data)
                (cache / "snapshots" / COMMIT / name).symlink_to(f"../../blobs/{k:064x}")
            self.inspects(cache / "snapshots" / COMMIT)
            if i == 0:
                self.inspects(cache / "snapshots" / COMMIT / "model.safetensors")


class Convert(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def convert(self, *names):
        return bin_to_safetensors.convert(self.folder, names)

    def refuses(self, data, says):
        (self.folder / "pytorch_model.bin").write_bytes(data)
        with self.assertRaisesRegex(bin_to_safetensors.Refused, says):
            self.convert("pytorch_model.bin")
        self.assertFalse((self.folder / "model.safetensors").exists())

    def test_both_layouts(self):
        wanted = read_safetensors(GOLDEN / "torch_bin" / "tensors.safetensors")
        self.assertEqual(len(wanted), 11)
        for layout in ("archive", "sequence"):
            shutil.copy(GOLDEN / "torch_bin" / f"{layout}.bin", self.folder / "pytorch_model.bin")
            self.convert("pytorch_model.bin")
            self.assertEqual(read_safetensors(self.folder / "model.safetensors"), wanted)

    def test_shards(self):
        names = ["pytorch_model.bin.index.json", "pytorch_model-00001-of-00001.bin"]
        shutil.copy(GOLDEN / "torch_bin" / "sequence.bin", self.folder / names[1])
        self.convert(*names)
        index = json.loads((self.folder / "model.safetensors.index.json").read_text())
        self.assertEqual(index["weight_map"]["plain"], "model-00001-of-00001.safetensors")
        self.assertEqual(len(index["weight_map"]), 11)

    def test_broken_files(self):
        whole = {layout: (GOLDEN / "torch_bin" / f"{layout}.bin").read_bytes() for layout in ("archive", "sequence")}
        for data in whole.values():
            for n in range(0, len(data), 97):
                self.refuses(data[:n], "pytorch_model.bin")
        self.refuses(whole["sequence"].replace(b"FloatStorage", b"FloatMischief"), "torch.FloatMischief|broken")
        self.refuses(b"PK" + whole["sequence"], "broken archive")

    def test_other_pickles(self):
        path = self.folder / "x.bin"
        for content, says in (
            (pickle.dumps([1, 2]), "no dictionary"),
            (pickle.dumps({"a": 1}), "entry a is no tensor"),
            (pickle.dumps({"a": Attack()}), "posix.system"),
            (b"cbuiltins\neval\n(S'1'\ntR.", "builtins.eval"),
            (b"c_codecs\nencode\n.", "_codecs.encode"),
            (b"ctorch._utils\n_rebuild_tensor_v2\n(I1\nI2\n(I3\ntp0\ng0\ntR.", "description is not one"),
        ):
            archive(path, content)
            self.refuses(path.read_bytes(), says)


if __name__ == "__main__":
    unittest.main()
