"""The client library a gateway embeds: it registers, beats, counts its lease down and stops itself when that is over.

Standard library and httpx2 only; it shares no code with the control plane.

    settings = settings_from(os.environ)
    control_plane = ControlPlane(settings.control_plane_url, settings.gateway_id, token=token_provider)
    with Agent(settings, control_plane, on_event=listener) as agent:
        for task in agent.claim(limit=1):
            if agent.guard(task).may_act():  # before every effect, again and again
                ...
"""

from gateway_agent.agent import Agent, Outcome, Report, TaskEnd
from gateway_agent.answers import CanaryOrder, ClaimedTask, Refusal
from gateway_agent.client import ControlPlane, NoAnswer
from gateway_agent.held import Guard, LeaseOver
from gateway_agent.settings import GatewaySettings, Role, SettingsFault, settings_from
from gateway_agent.state_file import OtherGateway

__all__ = [
    "Agent",
    "CanaryOrder",
    "ClaimedTask",
    "ControlPlane",
    "GatewaySettings",
    "Guard",
    "LeaseOver",
    "NoAnswer",
    "OtherGateway",
    "Outcome",
    "Refusal",
    "Report",
    "Role",
    "SettingsFault",
    "TaskEnd",
    "settings_from",
]
