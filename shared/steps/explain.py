"""Looks at an environment for somebody who asks why; changes nothing."""

from shared.domain.explain import Explanation, explanation
from shared.ports import Ports
from shared.steps.begin_automatic import judge_automatic


def explain(ports: Ports, environment: str) -> Explanation:
    """Return why the environment is as it is.

    Whether the primary's cluster runs is not asked: Azure may be slow, and only a failback needs to know.

    Raises:
        UnknownEnvironment: It is not declared.
        LockStoreUnavailable: Without the lock and the heartbeats nothing can be explained.
    """
    judged = judge_automatic(ports, environment)
    return explanation(judged.seen, judged.decision, ports.policy)
