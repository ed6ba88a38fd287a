"""hub.py: a hub of tiny repositories on this machine, with the answers of the real one: its listing, its redirection of large
files to a store of another address, its error codes, and its accidents."""

import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secret"


def sibling(name, data, wrong=False):
    """An entry of the listing; weights are large files (LFS), the rest is known by git's hash."""
    facts = {"rfilename": name, "size": len(data), "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
    if name.endswith((".safetensors", ".bin")):
        digest = hashlib.sha256(data).hexdigest()
        facts["lfs"] = {"sha256": "0" * 64 if wrong else digest, "size": len(data)}
    return facts


class Handler(BaseHTTPRequestHandler):
    hub = None

    def log_message(self, *_):
        pass

    def answer(self, code, data=b"", **headers):
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        hub, store = self.hub, self.server is self.hub.store
        token = self.headers.get("Authorization")
        hub.seen.append((("store" if store else "hub"), self.path, self.headers.get("Range"), token))
        listing = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/([^?]+)\?blobs=true", self.path)
        resolve = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/([^/?]+)", self.path)
        found = listing or resolve
        repository = found and found.group(1)
        if repository not in hub.repositories:
            return self.answer(401 if not token else 404, X_Error_Code="RepoNotFound")
        if repository.startswith("gated/"):
            return self.answer(403 if token else 401, X_Error_Code="GatedRepo")
        if repository.startswith("private/") and token != f"Bearer {TOKEN}" and not store:
            return self.answer(401, X_Error_Code="RepoNotFound")
        if found.group(2) not in (COMMIT, "main", "step1000"):
            return self.answer(404, X_Error_Code="RevisionNotFound")
        if repository.endswith("/busy") and len([s for s in hub.seen if s[1] == self.path]) <= 2:
            return self.answer(503)
        files = hub.repositories[repository]
        if listing:
            wrong = repository.endswith("/wrong")
            answer = {"sha": COMMIT, "siblings": [sibling(n, d, wrong) for n, d in files.items()]}
            return self.answer(200, json.dumps(answer).encode())
        name = found.group(3)
        if name.endswith((".safetensors", ".bin")) and not store:
            return self.answer(302, Location=f"http://127.0.0.1:{hub.store.server_port}{self.path}")
        return self.send_file(repository, files[name], store)

    def send_file(self, repository, data, store):
        start = int(re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "bytes=0-")).group(1))
        whole = repository.endswith("/noranges")
        part = data if whole else data[start:]
        self.send_response(206 if start and not whole else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if store and start == 0 and repository.endswith(("/cut", "/slow")):
            self.wfile.write(part[: len(part) // 2])
            self.wfile.flush()
            if repository.endswith("/slow"):
                self.hub.half.set()
                time.sleep(20 if not self.hub.closing else 0)
            self.close_connection = True
            return None
        return self.wfile.write(part)


class Hub:
    """Two servers, the hub and its store. seen: (server, path, range, authorization) of each request."""

    def __init__(self, repositories):
        handler = type("BoundHandler", (Handler,), {"hub": self})
        self.repositories, self.seen, self.closing = repositories, [], False
        self.half = threading.Event()
        self.hub, self.store = (ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2))
        for server in (self.hub, self.store):
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.address = f"http://127.0.0.1:{self.hub.server_port}"

    def close(self):
        self.closing = True
        for server in (self.hub, self.store):
            server.shutdown()
            server.server_close()
