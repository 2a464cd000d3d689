"""The state file a gateway keeps across restarts, in the words an operator reads with `cat` and `jq` (runbook 1.3)."""

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gateway_agent.settings import GatewaySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayState:
    """What the file says; an empty text or None where it says nothing."""

    role: str
    environment: str
    gateway_id: str = ""
    boot_id: str = ""
    fencing_token: int | None = None  # the highest this gateway was ever told


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no file: this gateway never registered from here."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """There is a file and it holds no state. Nothing depends on it: the control plane knows better."""

    why: str


class OtherGateway(RuntimeError):
    """The file belongs to another role, environment or gateway than the environment variables name."""


def read_state(path: Path) -> GatewayState | Missing | Unreadable:
    """Return what the file says. Members it does not know are left alone, absent ones are empty. Raises OSError."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Missing()
    except ValueError as error:
        return Unreadable(f"{path} is not JSON: {error}")
    if not isinstance(content, dict):
        return Unreadable(f"{path} holds no JSON object")
    token = str(content.get("FencingToken") or "")
    return GatewayState(
        role=str(content.get("Role") or ""),
        environment=str(content.get("Environment") or ""),
        gateway_id=str(content.get("GatewayId") or ""),
        boot_id=str(content.get("BootId") or ""),
        fencing_token=int(token) if token.isascii() and token.isdecimal() else None,
    )


def write_state(path: Path, state: GatewayState) -> None:
    """Replace the file; a reader, and a machine that loses power, sees the old content or the new. Raises OSError."""
    content = {
        "Role": state.role,
        "Environment": state.environment,
        "GatewayId": state.gateway_id,
        "BootId": state.boot_id,
        # A string: it exceeds the 2^53 that jq and JavaScript keep exact.
        "FencingToken": None if state.fencing_token is None else str(state.fencing_token),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            json.dump(content, target, indent=2)
            target.write("\n")
            target.flush()
            os.fsync(target.fileno())
        Path(unfinished).replace(path)
    except OSError:
        Path(unfinished).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def require_own_state(state: GatewayState, settings: GatewaySettings, path: Path) -> None:
    """Return if the file may belong to this gateway. Raises OtherGateway with every difference.

    A volume mounted into the wrong pod, or a copied manifest with the wrong role, must stop before it registers.
    """
    pairs = (
        ("Role", state.role, settings.role.value),
        ("Environment", state.environment, settings.environment),
        ("GatewayId", state.gateway_id, settings.gateway_id),
    )
    differences = [
        f'"{name}" is "{said}" but this gateway is "{own}"' for name, said, own in pairs if said not in ("", own)
    ]
    if differences:
        raise OtherGateway(
            f"{path} belongs to another gateway: {'; '.join(differences)}. Correct the environment variables or the "
            "volume (runbook 1.3 and section 4); if the gateway was really given a new place, move the file away."
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
