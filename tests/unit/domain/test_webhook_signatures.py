"""A signed webhook is believed once it was signed with the secret, lately, over exactly these bytes."""

import base64

import pytest

from shared.domain.webhook_signatures import REPLAY_WINDOW_S, NotVerified, sign, verify

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
T0 = 1_800_000_000
BODY = b'{"specversion":"1.0"}'


def test_the_signature_is_the_one_of_the_standards_own_example() -> None:
    headers = sign(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        unix_s=1614265330,
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", [SECRET, "a text of twenty-four bytes"])
@pytest.mark.parametrize("later_s", [-REPLAY_WINDOW_S, 0, REPLAY_WINDOW_S])
def test_what_was_signed_is_verified_within_five_minutes(secret: str, later_s: int) -> None:
    headers = sign(BODY, message_id="PRO:1", unix_s=T0, secret=secret)
    assert verify(headers, BODY, secret=secret, now_unix_s=T0 + later_s) == "PRO:1"


@pytest.mark.parametrize("later_s", [-REPLAY_WINDOW_S - 1, REPLAY_WINDOW_S + 1])
def test_what_was_signed_long_ago_or_ahead_is_a_replay(later_s: int) -> None:
    headers = sign(BODY, message_id="PRO:1", unix_s=T0, secret=SECRET)
    with pytest.raises(NotVerified, match="300 s away"):
        verify(headers, BODY, secret=SECRET, now_unix_s=T0 + later_s)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "PRO:2"),
        ("webhook-timestamp", str(T0 + 1)),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1a,{signature}"),
        ("webhook-signature", "ünlesbar"),
        ("webhook-timestamp", "١٨٠٠٠٠٠٠٠٠"),
        ("webhook-timestamp", "1e9"),
        ("webhook-id", ""),
    ],
)
def test_one_changed_header_is_enough_to_be_refused(name: str, value: str) -> None:
    headers = sign(BODY, message_id="PRO:1", unix_s=T0, secret=SECRET)
    changed = {**headers, name: value.format(signature=headers["webhook-signature"][3:])}
    with pytest.raises(NotVerified):
        verify(changed, BODY, secret=SECRET, now_unix_s=T0)


def test_a_changed_body_and_another_secret_are_refused() -> None:
    headers = sign(BODY, message_id="PRO:1", unix_s=T0, secret=SECRET)
    with pytest.raises(NotVerified, match="no signature fits"):
        verify(headers, BODY + b" ", secret=SECRET, now_unix_s=T0)
    with pytest.raises(NotVerified, match="no signature fits"):
        verify(headers, BODY, secret="another text of twenty-four bytes", now_unix_s=T0)


def test_one_of_several_signatures_is_enough_while_secrets_are_exchanged() -> None:
    headers = sign(BODY, message_id="PRO:1", unix_s=T0, secret=SECRET)
    both = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert verify(both, BODY, secret=SECRET, now_unix_s=T0) == "PRO:1"


def test_the_case_of_header_names_does_not_matter() -> None:
    headers = {name.title(): value for name, value in sign(BODY, message_id="a", unix_s=T0, secret=SECRET).items()}
    assert verify(headers, BODY, secret=SECRET, now_unix_s=T0) == "a"


@pytest.mark.parametrize("secret", ["too short", "whsec_c2hvcnQ=", "whsec_not base64", ""])
def test_a_weak_or_broken_secret_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        sign(BODY, message_id="a", unix_s=T0, secret=secret)
    assert not secret or secret not in str(caught.value)
