"""Keep the fake Resource Manager's clusters, operations and events in a file, so that a restart goes on with them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from devhost.fakes.arm_clusters import Cluster, Clusters, Event, Kind, Operation


def load(clusters: Clusters, file: Path) -> None:
    """Fill `clusters` with what the file holds; a missing file holds nothing."""
    if not file.exists():
        return
    state = json.loads(file.read_text(encoding="utf-8"))
    clusters.clusters = {one["resource_id"].lower(): Cluster(**one) for one in state["clusters"]}
    operations = [Operation(**{**one, "kind": Kind(one["kind"])}) for one in state["operations"]]
    clusters.operations = {one.id: one for one in operations}
    clusters.events = [Event(**one) for one in state["events"]]


def save(clusters: Clusters, file: Path) -> None:
    """Write everything to the file; a reader sees the old state or the new one, never a part."""
    state = {
        "clusters": [asdict(one) for one in clusters.clusters.values()],
        "operations": [{**asdict(one), "kind": one.kind.value} for one in clusters.operations.values()],
        "events": [asdict(one) for one in clusters.events],
    }
    unfinished = file.with_name(f"{file.name}.new")
    unfinished.write_text(json.dumps(state), encoding="utf-8")
    unfinished.replace(file)
