"""A stand-in for the control plane: it answers what the lab asks and decides nothing."""

import json
import logging

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
gateways: dict[str, str] = {}


def answer(body: object) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), mimetype="application/json")


def log(event: str, **fields: str) -> None:
    logging.getLogger("mazevault.dr").info(json.dumps({"event": event, **fields}))


@app.route("health/ready", methods=["GET"])
def ready(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding's name
    return answer({"status": "ready"})


@app.route("v1/gateways/{id}/register", methods=["POST"])
def register(req: func.HttpRequest) -> func.HttpResponse:
    body = req.get_json()
    gateway = req.route_params["id"]
    gateways[gateway] = "active" if body["role"] == "primary" else "standby"
    log("gateway.registered", gateway=gateway, environment=body["environment"], role=body["role"])
    seconds = {"heartbeat_interval_seconds": 0.5, "request_timeout_seconds": 1, "lease_seconds": 3}
    policy = {**seconds, "gateway_margin_seconds": 0.2}
    return answer({"id": gateway, "activation_status": gateways[gateway], "policy": policy, **body})


@app.route("v1/gateways/{id}/heartbeat", methods=["POST"])
def heartbeat(req: func.HttpRequest) -> func.HttpResponse:
    gateway, body = req.route_params["id"], req.get_json()
    told = {"draining": False, "lease_seconds": None, "lease_refusal": None, "heartbeat_interval_seconds": 0.5}
    return answer(
        {
            "id": gateway,
            "sequence": body["sequence"],
            "activation_status": gateways.get(gateway, "standby"),
            "fencing_token": None,
            **told,
        }
    )


@app.route("v1/admin/gateways", methods=["GET"])
def listed(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return answer([{"id": name, "activation_status": status} for name, status in gateways.items()])


@app.route("v1/admin/gateways/{id}/tasks", methods=["GET"])
def tasks(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    return answer([])


@app.route("v1/rotation/configs/{id}", methods=["PUT"])
def put_config(req: func.HttpRequest) -> func.HttpResponse:
    return answer({"id": req.route_params["id"]})


@app.route("v1/rotation/configs/{id}/execute", methods=["POST"])
def execute(req: func.HttpRequest) -> func.HttpResponse:
    environment = req.route_params["id"].split("-")[1].upper()
    log("task.queued", environment=environment, task_id="task-1")
    return answer({"task_id": "task-1"})
