"""What the runbook's az and kubectl lines do, done to the lab: `python -m tests.e2e.effects NAME GATEWAY [WORD]`.

Prints one JSON document. LAB_FILE names the lab's `lab.json`.
"""

import json
import os
import ssl
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.environment import WITHIN_S, LabEnvironment
from tests.e2e.running_lab import RunningLab, shown
from tests.e2e.stores import open_stores
from tests.e2e.waiting import eventually

API_VERSION = "2026-01-01"
HOLD_S = 1800.0  # in production
Effect = Callable[..., Any]


def say_lab(environment: LabEnvironment, command: str, gateway: str) -> Any:
    return {"said": environment.lab.command(command, gateway)}


def kill(environment: LabEnvironment, gateway: str) -> Any:
    return say_lab(environment, "kill", gateway)


def heal(environment: LabEnvironment, gateway: str) -> Any:
    return say_lab(environment, "heal", gateway)


def until_status(environment: LabEnvironment, gateway: str, status: str) -> Any:
    return eventually(
        lambda: environment.health(gateway),
        lambda shown: shown["activation_status"] == status,
        what=f"{gateway} to be {status}",
        within_s=WITHIN_S,
    )


def az_aks_start(environment: LabEnvironment, gateway: str) -> Any:
    answer = azure(environment, "POST", "/start")
    assert answer.status_code == 202, f"starting the cluster of {gateway}: {shown(answer)}"
    return {"status": answer.status_code}


def az_aks_show(environment: LabEnvironment, gateway: str) -> Any:
    wanted = {"powerState": {"code": "Running"}, "provisioningState": "Succeeded"}
    return cluster_when(environment, gateway, wanted, within_s=WITHIN_S)


def until_cluster_stopped(environment: LabEnvironment, gateway: str) -> Any:
    wanted = {"powerState": {"code": "Stopped"}, "provisioningState": "Succeeded"}
    hold_s = HOLD_S / float(environment.lab.facts["speed"])
    return cluster_when(environment, gateway, wanted, within_s=hold_s + WITHIN_S)


def get_pods(environment: LabEnvironment, gateway: str) -> Any:
    return eventually(
        lambda: environment.health(gateway),
        lambda shown: shown["verdict"] == "healthy",
        what=f"{gateway} to beat",
        within_s=WITHIN_S,
    )


def cat_state_file(environment: LabEnvironment, gateway: str) -> Any:
    file = environment.lab.folder / "data" / "gateways" / gateway / "gateway-state.json"
    return json.loads(file.read_text(encoding="utf-8"))


def until_task_done(environment: LabEnvironment, gateway: str) -> Any:
    token = str(environment.stores.lock(environment.name)["token"])

    def done() -> list[dict[str, Any]]:
        tasks = environment.lab.get(f"admin/gateways/{gateway}/tasks?status=succeeded")
        return [task for task in tasks if task["fencing_token"] == token]

    return eventually(done, bool, what=f"a task done by {gateway} under {token}", within_s=WITHIN_S)


def try_to_claim(environment: LabEnvironment, gateway: str) -> Any:
    """Try to claim in a former holder's name, with its own token and with the present one."""
    lock = environment.stores.lock(environment.name)
    tried = {}
    for which, token in (("former", lock["previous_token"]), ("present", lock["token"])):
        body = {"environment": environment.name, "fencing_token": str(token), "limit": 1}
        answer = environment.lab.as_gateway(gateway, "tasks/claim", body)
        tried[which] = {"status": answer.status_code, "body": answer.json()}
    return tried


def until_stable(environment: LabEnvironment, gateway: str) -> Any:
    environment.with_stable_primary()
    return environment.health(gateway)


def azure(environment: LabEnvironment, method: str, action: str = "") -> httpx2.Response:
    """Ask Azure Resource Manager about the DR cluster."""
    facts = environment.lab.facts
    cluster = facts["environments"][environment.name]["dr_cluster"]
    trusted = ssl.create_default_context(cafile=facts["arm_ca_file"])
    url = f"{facts['arm_url']}{cluster}{action}?api-version={API_VERSION}"
    return httpx2.request(method, url, headers={"Authorization": "Bearer az"}, verify=trusted, trust_env=False)


def cluster_when(environment: LabEnvironment, gateway: str, wanted: Mapping[str, Any], *, within_s: float) -> Any:
    def state() -> dict[str, Any]:
        properties = azure(environment, "GET").json()["properties"]
        return {name: properties[name] for name in wanted}

    return eventually(state, lambda seen: seen == wanted, what=f"the cluster of {gateway}", within_s=within_s)


EFFECTS: Mapping[str, Effect] = {
    "kill": kill,
    "heal": heal,
    "until-status": until_status,
    "az-aks-start": az_aks_start,
    "az-aks-show": az_aks_show,
    "get-pods": get_pods,
    "cat-state-file": cat_state_file,
    "until-task-done": until_task_done,
    "try-to-claim": try_to_claim,
    "until-stable": until_stable,
    "until-cluster-stopped": until_cluster_stopped,
}


def main(name: str, gateway: str, *words: str) -> None:
    """Carry out one effect and print its document."""
    file = Path(os.environ["LAB_FILE"])
    facts = json.loads(file.read_text(encoding="utf-8"))
    with httpx2.Client(timeout=WITHIN_S, trust_env=False) as http:
        lab = RunningLab(folder=file.parent, facts=facts, http=http)
        environment = next(one for one, named in facts["environments"].items() if gateway in named.values())
        with open_stores(lab) as stores:
            done = EFFECTS[name](LabEnvironment(name=environment, lab=lab, stores=stores), gateway, *words)
    print(json.dumps(done, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
