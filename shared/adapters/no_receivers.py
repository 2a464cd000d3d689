"""`Receivers` where no channel is configured."""

from collections.abc import Sequence

from shared.domain.notifications import Answer, Channel, Outgoing, Receipt


class NoReceivers:
    """No channels; whatever is sent is refused."""

    def channels(self) -> Sequence[Channel]:
        """Return no channel."""
        return ()

    def send(self, outgoing: Sequence[Outgoing]) -> Sequence[Answer]:
        """Refuse all of them."""
        return [Answer(receipt=Receipt.REFUSED, detail="no channel is configured") for _ in outgoing]
