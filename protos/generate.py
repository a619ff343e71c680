"""Generates the Python stubs in sdk/ from the contracts in protos/.

`python protos/generate.py` writes them. With `--check` it fails if a file would change.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

from protos import application_schema

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
SDK = ROOT / "sdk"
RULES_FOLDER = ROOT / "third_party" / "protovalidate"
RULES = "buf/validate/validate.proto"
HEADER = '"""Generated from protos/ by `make protos`; do not edit."""\n'


def compile_into(folder: Path) -> None:
    """Writes all generated modules below `folder`."""
    includes = [f"-I{PROTOS}", f"-I{RULES_FOLDER}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
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
    schema = folder / application_schema.SCHEMA
    schema.parent.mkdir()
    schema.write_text(application_schema.render(includes, folder), encoding="utf-8")
    for directory in sorted({path.parent for path in folder.rglob("*_pb2.py")}):
        for package in (directory, *directory.parents):
            if package == folder:
                break
            # `safeconduct/__init__.py` is not generated: it belongs to the client.
            if package != folder / "safeconduct":
                (package / "__init__.py").write_text(HEADER)


def generated(folder: Path) -> set[Path]:
    """Returns the paths of the generated files below `folder`, relative to it."""
    made = {path.relative_to(folder) for path in folder.rglob("*_pb2*.py*")}
    made |= {
        package / "__init__.py"
        for path in made
        for package in path.parents
        if len(package.parts) > 1 or package == Path("buf")
    }
    made.add(application_schema.SCHEMA)
    return {path for path in made if "__pycache__" not in path.parts}


def main() -> int:
    """Writes or checks the stubs; returns the exit code."""
    # protoc searches PATH for the type plugins, which are installed beside this interpreter.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        compile_into(fresh)
        if "--check" in sys.argv:
            expected, existing = generated(fresh), generated(SDK)
            changed = sorted(
                str(path)
                for path in expected | existing
                if path not in expected
                or path not in existing
                or not filecmp.cmp(fresh / path, SDK / path, shallow=False)
            )
            if changed:
                print(
                    "generated code differs from the contracts; run `make protos`:",
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
