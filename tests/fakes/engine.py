"""A folder of programs that behave like the engine on a machine with GPUs, where none is: for faults and for listings.

Each writes down how it was called.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

_SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

here = Path(__file__).parent
with (here / "calls.jsonl").open("a") as calls:
    seen = {k: v for k, v in os.environ.items() if k.endswith("VISIBLE_DEVICES")}
    calls.write(json.dumps({"program": "llama-server", "arguments": sys.argv[1:], "seen": seen}) + "\\n")
answer = (here / "answer").read_text()
if "--list-devices" in sys.argv:
    print((here / "list").read_text())
    sys.exit(0)
if answer == "crash":
    sys.exit("out of memory")

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"choices": [{"message": {"content": answer}}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler)
if answer != "silence":
    print('cmd_child_to_router:state:{"state": "ready", "payload": {"meta": {"n_ctx": 512}}}', flush=True)
server.serve_forever()
"""

_BENCH = """
import json, os, sys
from pathlib import Path

here = Path(__file__).parent
with (here / "calls.jsonl").open("a") as calls:
    seen = {k: v for k, v in os.environ.items() if k.endswith("VISIBLE_DEVICES")}
    calls.write(json.dumps({"program": "llama-bench", "arguments": sys.argv[1:], "seen": seen}) + "\\n")
if (here / "answer").read_text() == "crash":
    sys.exit("out of memory")
asked = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert Path(asked["-m"]).open("rb").read(4) == b"GGUF"
counts = [(int(asked["-p"]), 0), (0, int(asked["-n"]))]
print(json.dumps([{"n_prompt": p, "n_gen": n, "samples_ts": [10.0, 100.0]} for p, n in counts if p or n]))
"""


@dataclass(frozen=True)
class FakeEngine:
    folder: Path

    def answers(self, answer: str) -> None:
        """What it says to every question; `silence` never gets ready, `crash` does not even start."""
        (self.folder / "answer").write_text(answer)

    def calls(self) -> list[dict[str, object]]:
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def make_engine(folder: Path, *devices: str, answer: str = "7") -> FakeEngine:
    """`devices` as the engine lists them: `CUDA0: NVIDIA GeForce RTX 3090 (24124 MiB, 23861 MiB free)`."""
    folder.mkdir(exist_ok=True)
    for name, text in (("llama-server", _SERVER), ("llama-bench", _BENCH)):
        program = folder / name
        program.write_text(f"#!{sys.executable}\n{text}")
        program.chmod(0o755)
    lines = devices or ("(none)",)
    (folder / "list").write_text("\n".join(("Available devices:", *(f"  {line}" for line in lines))))
    (folder / "engine.json").write_text('{"key": "fake-1"}')
    engine = FakeEngine(folder)
    engine.answers(answer)
    return engine
