"""The tokens of a lab that runs for days."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from devhost.lab.names import GATEWAYS
from devhost.lab.tokens import PEOPLE, Tokens

Story = Callable[[Tokens, list[dict[str, object]]], Awaitable[None]]


def with_issuer(folder: Path, story: Story, *, fails: tuple[int, ...] = ()) -> None:
    """Run a story against an issuer that numbers its tokens and fails the requests with these numbers."""

    async def play() -> None:
        asked: list[dict[str, object]] = []

        async def token(request: web.Request) -> web.Response:
            asked.append(await request.json())
            if len(asked) in fails:
                return web.json_response({}, status=503)
            return web.json_response({"access_token": f"token-{len(asked)}"})

        application = web.Application()
        application.add_routes([web.post("/token", token)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            async with aiohttp.ClientSession() as session:
                port = runner.addresses[0][1]
                await story(Tokens(session=session, token_url=f"http://127.0.0.1:{port}/token", folder=folder), asked)
        finally:
            await runner.cleanup()

    asyncio.run(play())


def test_every_person_and_gateway_gets_a_token_of_its_own_for_a_day_at_most(tmp_path: Path) -> None:
    async def story(tokens: Tokens, asked: list[dict[str, object]]) -> None:
        await tokens.renew()
        held = [*tokens.people.values(), *tokens.agents.values()]
        assert len(set(held)) == len(PEOPLE) + len(GATEWAYS)
        assert {str(wish["subject"]) for wish in asked if wish["app"]} == {gateway.id for gateway in GATEWAYS}
        assert all(wish["roles"] == ["gateway:agent"] for wish in asked if wish["app"])
        assert max(float(str(wish["lifetime_s"])) for wish in asked) <= 24 * 3600
        for gateway in GATEWAYS:
            assert tokens.file(gateway.id).read_text() == tokens.agents[gateway.id]
            assert tokens.file(gateway.id).stat().st_mode & 0o777 == 0o600

    with_issuer(tmp_path, story)


def test_tokens_are_renewed_again_even_after_an_issuer_that_did_not_answer(tmp_path: Path) -> None:
    async def story(tokens: Tokens, asked: list[dict[str, object]]) -> None:
        await tokens.renew()
        first, renewals = dict(tokens.agents), asyncio.Semaphore(0)
        renewing = asyncio.create_task(tokens.keep_fresh(on_renewal=renewals.release, every_s=0.01))
        await asyncio.wait_for(renewals.acquire(), 10)
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        assert all(tokens.agents[name] != token for name, token in first.items())
        assert len(asked) > 2 * len(first)

    with_issuer(tmp_path, story, fails=(len(PEOPLE) + len(GATEWAYS) + 1,))
