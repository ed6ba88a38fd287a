"""hub_fetch.py: what jobs/fetch.sh does; the standard library alone. The hub's HTTP interface: huggingface.co/docs/hub/api."""

import argparse
import csv
import fcntl
import fnmatch
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import bin_to_safetensors
import tokenizer_to_json

CATALOGUE = Path(__file__).resolve().parent.parent / "input" / "models.csv"
# Beside the weights: what a reader of them may need, and the licence.
SMALL = re.compile(
    r"config\.json|generation_config\.json|tokenizer\.(json|model)|tokenizer_config\.json|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\.json|merges\.txt|spiece\.model|(LICENSE|NOTICE|USE_POLICY)[^/]*"
)
RECORD = "fetched.json"
CHUNK = 1 << 20
ATTEMPTS = 5


class Failure(Exception):
    """One model cannot be had; the others go on."""


class SameHost(urllib.request.HTTPRedirectHandler):
    """The hub redirects to stores of other hosts, which must not see the token."""

    def redirect_request(self, request, file, code, message, headers, url):
        fresh = super().redirect_request(request, file, code, message, headers, url)
        old, new = (urllib.parse.urlsplit(u) for u in (request.full_url, url))
        if fresh is not None and (old.scheme, old.netloc) != (new.scheme, new.netloc):
            fresh.remove_header("Authorization")
        return fresh


class Hub:
    def __init__(self):
        self.endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
        self.token = os.environ.get("HF_TOKEN", "")
        self.wait = float(os.environ.get("FETCH_WAIT", "2"))  # seconds before the second attempt
        self.opener = urllib.request.build_opener(SameHost)

    def open(self, path, repository, start=0):
        """A response. Failures that pass are tried again; others say what to do."""
        request = urllib.request.Request(self.endpoint + path, headers={"User-Agent": "resjac-fetch"})
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        if start:
            request.add_header("Range", f"bytes={start}-")
        for attempt in range(ATTEMPTS):
            try:
                return self.opener.open(request, timeout=60)
            except urllib.error.HTTPError as error:
                reason = f"HTTP {error.code} {error.reason}"
                if error.code not in (408, 429) and error.code < 500:
                    raise Failure(self.explain(error, repository)) from None
            except (OSError, http.client.HTTPException) as error:
                reason = str(error)
            if attempt + 1 < ATTEMPTS:
                time.sleep(self.wait * 2**attempt)
        raise Failure(f"{self.endpoint} does not answer ({reason}, {ATTEMPTS} attempts); the same command goes on")

    def explain(self, error, repository):
        kind = error.headers.get("X-Error-Code", "")
        page = f"{self.endpoint}/{repository}"
        account = "the account of HF_TOKEN" if self.token else "an account, and set HF_TOKEN to its token"
        if kind == "GatedRepo" or error.code == 403:
            return f"gated: accept its conditions at {page} with {account}"
        if kind == "RevisionNotFound":
            return f"{page} has no such revision; correct it in input/models.csv"
        if error.code in (401, 404) and kind != "EntryNotFound":
            if self.token:
                return f"{page} does not exist, or HF_TOKEN is wrong or may not see it"
            return f"{page} does not exist or needs a token: set HF_TOKEN"
        return f"HTTP {error.code} {error.reason} at {error.url.split('?')[0]}"

    def listing(self, repository, revision):
        """The commit, and name -> {size, blobId, lfs: {sha256}} of the files at the top."""
        path = f"/api/models/{repository}/revision/{urllib.parse.quote(revision or 'main')}?blobs=true"
        with self.open(path, repository) as response:
            answer = json.load(response)
        commit, files = answer["sha"], {f["rfilename"]: f for f in answer["siblings"]}
        pinned = re.fullmatch("[0-9a-f]{40}", revision)  # else a branch, such as one of a training's checkpoints
        if not re.fullmatch("[0-9a-f]{40}", commit) or (pinned and commit != revision):
            raise Failure(f"the hub names commit {commit}, but {revision if pinned else '40 digits'} is needed")
        return commit, {name: f for name, f in files.items() if re.fullmatch(r"\w[\w.-]*", name)}

    def file_path(self, repository, commit, name):
        return f"/{repository}/resolve/{commit}/{urllib.parse.quote(name)}"


def checked_by(file):
    """The hash that the hub promises: of the content (large files), or git's, over a header and the content."""
    if file.get("lfs"):
        return "sha256", file["lfs"]["sha256"], hashlib.sha256()
    return "git", file["blobId"], hashlib.sha1(b"blob %d\0" % file["size"])


def weights_of(hub, repository, commit, files):
    """Names of one complete set of weights: safetensors before .bin, one file before shards."""
    for single, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if single in files:
            return [single]
        if index in files:
            with hub.open(hub.file_path(repository, commit, index), repository) as response:
                shards = sorted(set(json.load(response)["weight_map"].values()))
            missing = [s for s in shards if s not in files]
            if missing:
                raise Failure(f"{index} names {missing[0]}, which the repository does not have")
            return [index, *shards]
    raise Failure("neither safetensors nor pytorch_model.bin in the repository")


class Checkpoint:
    """One row of the catalogue: its folder, and what is still to fetch."""

    def __init__(self, row, to, hub):
        self.name, self.repository = row["model"], row["repository"]
        self.folder = to / self.name
        self.hub = hub
        self.commit, files = hub.listing(self.repository, row["revision"])
        if "config.json" not in files:
            raise Failure("no config.json in the repository")
        self.weights = weights_of(hub, self.repository, self.commit, files)
        small = [n for n in files if SMALL.fullmatch(n)]
        self.files = {n: files[n] for n in [*sorted(small), *self.weights]}
        self.record = self.read_record()
        self.size = sum(f["size"] for f in self.files.values())
        self.missing = sum(f["size"] - self.have(n) for n, f in self.files.items())

    def read_record(self):
        try:
            record = json.loads((self.folder / RECORD).read_text())
        except FileNotFoundError:
            return {"repository": self.repository, "commit": self.commit, "files": {}}
        if record["commit"] != self.commit:
            raise Failure(f"{self.folder} holds commit {record['commit']}, not {self.commit}: move it away")
        return record

    def is_done(self, name):
        """Fetched and checked, and neither changed in size nor, unless it became safetensors, gone."""
        known = self.record["files"].get(name)
        if known is None:
            return False
        path = self.folder / known.get("converted", name)
        return path.is_file() and path.stat().st_size == known.get("converted_size", known["size"])

    def have(self, name):
        """Bytes that need no fetching any more."""
        part = self.folder / (name + ".part")
        size = self.files[name]["size"]
        return size if self.is_done(name) else min(part.stat().st_size, size) if part.is_file() else 0

    def note(self, name, **facts):
        self.record["files"].setdefault(name, {}).update(facts)
        fresh = self.folder / (RECORD + ".part")
        fresh.write_text(json.dumps(self.record, indent=1, sort_keys=True) + "\n")
        fresh.replace(self.folder / RECORD)

    def fetch(self, keep_bin):
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in self.files:
            if not self.is_done(name):
                self.fetch_file(name)
        if self.weights[-1].endswith(".bin"):
            self.convert(keep_bin)

    def fetch_file(self, name):
        kind, wanted, _ = checked_by(self.files[name])
        part = self.folder / (name + ".part")
        resumed = part.is_file() and part.stat().st_size > 0
        found = self.receive(name, part)
        if found != wanted and resumed:  # what an earlier run left may be at fault
            part.unlink()
            found = self.receive(name, part)
        if found != wanted:
            part.unlink()
            raise Failure(f"{name}: its {kind} hash is {found}, the hub says {wanted}; deleted, fetch it again")
        part.replace(self.folder / name)
        self.note(name, size=self.files[name]["size"], **{kind: wanted})

    def receive(self, name, part):
        """Completes the part file; its hash. Connections that break are taken up again where they broke."""
        size, path = self.files[name]["size"], self.hub.file_path(self.repository, self.commit, name)
        if part.is_file() and part.stat().st_size > size:
            part.unlink()
        for attempt in range(ATTEMPTS):
            start = part.stat().st_size if part.is_file() else 0
            if start == size and part.is_file():
                break
            try:
                with self.hub.open(path, self.repository, start) as response:
                    mode = "ab" if response.status == 206 else "wb"  # else the store sends all of it
                    with open(part, mode) as file:
                        shutil.copyfileobj(response, file, CHUNK)
            except (http.client.HTTPException, ConnectionError, socket.timeout):
                pass
            if part.stat().st_size < size and attempt + 1 < ATTEMPTS:
                time.sleep(self.hub.wait)
        if part.stat().st_size != size:
            raise Failure(f"{name}: {part.stat().st_size} of {size} bytes; the same command goes on")
        _, _, digest = checked_by(self.files[name])
        with open(part, "rb") as file:
            for block in iter(lambda: file.read(CHUNK), b""):
                digest.update(block)
        return digest.hexdigest()

    def convert(self, keep_bin):
        """pytorch_model*.bin to safetensors, without running what a pickle may hold."""
        done = {name: self.record["files"][name].get("converted") for name in self.weights}
        if not all(done.values()):
            try:
                done = bin_to_safetensors.convert(self.folder, self.weights)
            except bin_to_safetensors.Refused as error:
                raise Failure(f"cannot be converted to safetensors: {error}") from None
            for name, fresh in done.items():
                self.note(name, converted=fresh, converted_size=(self.folder / fresh).stat().st_size)
        for name in [] if keep_bin else self.weights:
            (self.folder / name).unlink(missing_ok=True)

    def make_tokenizer(self):
        """tokenizer.json where the repository has an older tokenizer's files alone; what became of it."""
        try:
            return f"tokenizer.json made of {tokenizer_to_json.convert(self.folder)}"
        except (tokenizer_to_json.Refused, ValueError, KeyError) as error:
            return f"no tokenizer.json (have transformers write one): {error}"


def parse():
    parser = argparse.ArgumentParser(prog="fetch.sh", description="checkpoints of input/models.csv from the hub")
    parser.add_argument("names", nargs="*", metavar="NAME", help="models, or patterns such as 'pythia-*'")
    parser.add_argument("--list", choices=["reference", "more"])
    parser.add_argument("--family")
    parser.add_argument("--lineage")
    parser.add_argument("--max-size", type=float, metavar="G", help="in gigabytes")
    parser.add_argument("--to", type=Path, default=Path("models"), metavar="FOLDER")
    parser.add_argument("--dry-run", action="store_true", help="print the sizes and end")
    parser.add_argument("--keep-bin", action="store_true")
    parser.add_argument("--catalogue", type=Path, default=CATALOGUE)
    parser.error = lambda message: (
        parser.print_usage(sys.stderr),
        print(f"fetch: {message}", file=sys.stderr),
        sys.exit(64),
    )
    args = parser.parse_args()
    if not (args.names or args.list or args.family or args.lineage):
        parser.error("name models, or choose by --list, --family or --lineage")
    return args


def choose(args):
    with open(args.catalogue, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in args.names:
        if not any(fnmatch.fnmatchcase(row["model"], name) for row in rows):
            print(f"fetch: no model {name} in {args.catalogue}", file=sys.stderr)
            sys.exit(66)
    return [
        row
        for row in rows
        if (not args.names or any(fnmatch.fnmatchcase(row["model"], name) for name in args.names))
        and all(getattr(args, key) in (None, row[key]) for key in ("list", "family", "lineage"))
    ]


def plan(rows, args, hub, failed):
    found = []
    for row in rows:
        try:
            model = Checkpoint(row, args.to, hub)
        except Failure as error:
            failed.append(row["model"])
            print(f"fetch: {row['model']}: {error}", file=sys.stderr)
            continue
        large = args.max_size is not None and model.size > args.max_size * 1e9
        state = "left out" if large else "is there" if model.missing == 0 else row["revision"][:10] or "newest"
        print(
            f"{model.size / 1e9:9.3f} GB  {model.missing / 1e9:9.3f} missing  {state:10}  {model.name} {model.commit[:10]}"
        )
        if not large:
            found.append(model)
    missing = sum(model.missing for model in found)
    print(f"{sum(m.size for m in found) / 1e9:9.3f} GB  {missing / 1e9:9.3f} missing  {len(found)} models", flush=True)
    return found, missing


def fetch_all(found, args, failed):
    for model in found:
        try:
            model.fetch(args.keep_bin)
        except (Failure, OSError) as error:
            failed.append(model.name)
            print(f"fetch: {model.name}: {error}", file=sys.stderr)
            continue
        tokenizer = "" if "tokenizer.json" in model.files else f"; {model.make_tokenizer()}"
        print(f"fetch: {model.folder} is whole, {len(model.files)} files checked{tokenizer}", flush=True)


def main():
    args = parse()
    failed = []
    rows = choose(args)
    found, missing = plan(rows, args, Hub(), failed)
    if not args.dry_run:
        args.to.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(args.to).free
        if missing > free:
            print(f"fetch: {args.to} has {free / 1e9:.3f} GB left, {missing / 1e9:.3f} are missing", file=sys.stderr)
            return 74
        with open(args.to / ".fetch.lock", "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"fetch: another fetch works in {args.to}", file=sys.stderr)
                return 69
            fetch_all(found, args, failed)
    if failed:
        print(f"fetch: {len(failed)} of {len(rows)} models failed: {' '.join(failed)}", file=sys.stderr)
    return 69 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as fault:
        print(f"fetch: {fault}", file=sys.stderr)
        sys.exit(74)
