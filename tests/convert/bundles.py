"""What a forger, or an earlier version, would do to a bundle."""

import json
import pathlib

from tf_handgroups.convert.contract import Contract, contract_path, read_contract, sha256_of
from tf_handgroups.convert.sealed_model import seal_model


def edit_json(path: pathlib.Path, change) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def refresh_sums(folder: pathlib.Path) -> None:
    """What a forger would do: list the new hashes."""
    present = [path for path in sorted(folder.iterdir()) if path.is_file()]
    files = {path.name: sha256_of(path) for path in present if path.name != "SHA256SUMS"}
    listed = {name: digest for name, digest in files.items() if name != "bundle.json"}
    edit_json(folder / "bundle.json", lambda values: values.update(files=listed))
    files["bundle.json"] = sha256_of(folder / "bundle.json")
    text = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    (folder / "SHA256SUMS").write_text(text)


def without_new_sections(model_path: pathlib.Path) -> None:
    """Turns a model and its contract into those of a version before 2.5D and tracking."""
    values = dict(read_contract(contract_path(model_path)).values)
    del values["tracking"], values["recovery"]
    seal_model(model_path, Contract(values), overwrite=True)
