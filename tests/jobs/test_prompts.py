"""test_prompts.py: jobs/make_prompts.py against a data set server on this machine."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = {
    "allenai/ai2_arc": lambda i: {"question": f"Why {i}? ", "choices": {"text": ["a"]}},
    "Rowan/hellaswag": lambda i: {"activity_label": "Rowing", "ctx": f"A man {i} "},
    "cais/mmlu": lambda i: {"question": f"Which {i}?", "choices": ["w", "x", "y", "z"]},
    "truthfulqa/truthful_qa": lambda i: {"question": f"Is {i} \u00e9ven?"},
    "allenai/winogrande": lambda i: {"sentence": f"Ann thanked Bea {i} times because _ had helped."},
    "openai/gsm8k": lambda i: {"question": f"{i} + {i}?", "answer": "#### 1"},
}
TOTAL = 250


class Handler(BaseHTTPRequestHandler):
    seen = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.seen.append((query.get("dataset"), self.headers.get("Authorization")))
        if query.get("dataset") not in ROWS:
            return self.send_error(404)
        start = int(query["offset"])
        rows = [
            {"row_idx": i, "row": ROWS[query["dataset"]](i)}
            for i in range(start, min(start + int(query["length"]), TOTAL))
        ]
        data = json.dumps({"rows": rows, "num_rows_total": TOTAL}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return self.wfile.write(data)


class Prompts(unittest.TestCase):
    def setUp(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def make(self, name, *args, address=None):
        address = address or f"http://127.0.0.1:{self.server.server_port}"
        env = {
            **os.environ,
            "HF_DATASETS_SERVER": address,
            "FETCH_WAIT": "0.01",
            "HF_TOKEN": "hf_secret",
            "no_proxy": "*",
        }
        out = Path(self.folder.name) / "new" / name
        command = [sys.executable, str(ROOT / "jobs" / "make_prompts.py"), "--out", str(out), *args]
        return out, subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    def test_prompts(self):
        out, done = self.make("a.jsonl", "--per-task", "30")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len(lines), 180)
        self.assertEqual(len({line["id"] for line in lines}), 180)
        text = {line["id"].split("-")[0]: (line["id"].split("-")[1], line["text"]) for line in lines}
        wanted = {
            "arc": "Question: Why {}?\nAnswer:", "hellaswag": "Rowing: A man {}",
            "mmlu": "Which {}?\nA. w\nB. x\nC. y\nD. z\nAnswer:", "truthfulqa": "Q: Is {} \u00e9ven?\nA:",
            "winogrande": "Ann thanked Bea {} times because", "gsm8k": "Question: {0} + {0}?\nAnswer:",
        }  # fmt: skip
        self.assertEqual(
            {task: got[1] for task, got in text.items()}, {t: w.format(text[t][0]) for t, w in wanted.items()}
        )
        sources = out.with_name("a.jsonl.sources.md").read_text()
        self.assertIn(hashlib.sha256(out.read_bytes()).hexdigest(), sources)
        self.assertIn("| arc | allenai/ai2_arc | ARC-Challenge, test | 250 | 30 | CC BY-SA 4.0 |", sources)
        self.assertNotIn("hf_secret", str(Handler.seen))

    def test_the_seed_decides(self):
        first, again, other = (self.make(f"{i}.jsonl", "--per-task", "5", "--seed", s)[0] for i, s in enumerate("112"))
        self.assertEqual(first.read_bytes(), again.read_bytes())
        self.assertNotEqual(first.read_bytes(), other.read_bytes())

    def test_more_than_there_are(self):
        out, _ = self.make("all.jsonl", "--per-task", "1000")
        self.assertEqual(len(out.read_bytes().splitlines()), 6 * TOTAL)

    def test_no_server(self):
        out, done = self.make("none.jsonl", address="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 69)
        self.assertIn("does not answer", done.stderr)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
