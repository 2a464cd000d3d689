"""Metrics in the Prometheus text format, written by the client library from numbers that were read just now."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from shared.domain.metrics import METRICS, Metric, Sample

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
"""The format that every scraper reads; our names need nothing newer."""


def metrics_text(samples: Sequence[Sample]) -> str:
    """Return the exposition: each metric with its HELP and TYPE, in the order of METRICS; without numbers it is absent.

    The library is imported here: it brings an HTTP server along that a cold start need not pay for.
    """
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Read(samples))
    return generate_latest(registry).decode()


class _Read:
    """A collector of what has been read already."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples

    def collect(self) -> "Iterable[Family]":
        """Yield the metrics that have numbers."""
        for metric in METRICS:
            samples = [one for one in self._samples if one.metric is metric]
            if samples:
                yield _family(metric, samples)

    def describe(self) -> "Iterable[Family]":
        """Yield nothing: the registry is made for one answer, and no other collector is in it."""
        return ()


def _family(metric: Metric, samples: Sequence[Sample]) -> "Family":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for one in samples:
        family.add_metric(one.labels, one.value)
    return family
