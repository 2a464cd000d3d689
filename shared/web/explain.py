"""The explanation of an environment, as callers get it."""

from shared.domain.explain import Explanation, NextAction, decision_json
from shared.domain.modes import MANUAL
from shared.domain.policy import Policy
from shared.web.modes import modes_document
from shared.web.responses import Document, gateway_health_document


def explain_document(explained: Explanation, policy: Policy) -> Document:
    """Return verdicts, lock, mirror, modes, every rule with its inputs, every decision, and the next safe action."""
    seen = explained.snapshot
    lock = seen.lock.value if seen.lock else None
    health = gateway_health_document([seen], policy)
    return {
        "environment": seen.environment,
        "as_of": health["as_of"],
        "next_action": _next_action(explained.next_action),
        "monitor": health["monitor"],
        "state": next(iter(health["environments"]), None) if isinstance(health["environments"], list) else None,
        "modes": modes_document(seen.environment, (lock.modes if lock else MANUAL).effective(seen.now)),
        "gateways": health["gateways"],
        "verdicts": {name: [rule.to_json() for rule in rules] for name, rules in explained.verdicts.items()},
        "decisions": {
            "activate_dr": decision_json(explained.activation),
            "failback": decision_json(explained.failback),
            "automatic_failover": {
                "outcome": explained.automatic.outcome.value,
                "rules": [rule.to_json() for rule in explained.automatic.rules],
            },
        },
    }


def _next_action(action: NextAction) -> Document:
    return {"why": action.why, "method": action.method, "path": action.path}
