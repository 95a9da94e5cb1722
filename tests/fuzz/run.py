"""`python -m tests.fuzz.run target… --seconds N`: fuzzes with atheris, from an environment of its own.

What was learned stays in build/fuzz/, so the next run goes on from there. An input that breaks a promise is written
there too; mend what it shows and put it into the corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS

HERE = Path(__file__).parent
BUILT = Path("build/fuzz")
LOCK = HERE / "requirements.lock"
FINISHED = ".finished"
LONGEST_INPUT_SECONDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description="Fuzzes what strangers send.")
    parser.add_argument("names", nargs="*", choices=[*TARGETS, []], metavar="name", help=" ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=120, help="for each of them")
    options = parser.parse_args()
    python = _python()
    return max(_fuzz(python, name, options.seconds) for name in options.names or TARGETS)


def _fuzz(python: Path, name: str, seconds: int) -> int:
    learned = BUILT / "corpus" / name
    learned.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-timeout={LONGEST_INPUT_SECONDS}", f"-artifact_prefix={BUILT}/{name}-"]
    folders = [str(learned), str(CORPUS / name)]
    ours = os.pathsep.join((str(Path.cwd()), sysconfig.get_path("platlib")))
    print(f"\n== {name}, {seconds} s", flush=True)
    command = [str(python), "-m", "tests.fuzz", name, *limits, "-print_final_stats=1", "-verbosity=0", *folders]
    return subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": ours}).returncode


def _python() -> Path:
    """The interpreter that has atheris, made once for each lock file."""
    mark = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = BUILT / f"python-{mark}"
    python = folder / "bin" / "python"
    if not (folder / FINISHED).exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = ("pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(LOCK))
        subprocess.run([uv, *install], check=True)
        (folder / FINISHED).touch()
    return python


if __name__ == "__main__":
    sys.exit(main())
