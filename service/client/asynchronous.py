"""The client that is awaited: `AsyncKantorClient`, and the jobs it hands out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx
import numpy as np
from numpy.typing import NDArray

from kantor.service.client import flows, job_flows
from kantor.service.client.answers import Document, Event, JobState
from kantor.service.client.events import EventReader
from kantor.service.client.methods import like
from kantor.service.client.steps import Call, Flow, Pause, Reply, Retries, with_retries

P = ParamSpec("P")
T = TypeVar("T")
Awaited = Coroutine[Any, Any, T]


def _method(
    flow: Callable[P, Flow[T]],
) -> "Callable[Concatenate[AsyncKantorClient, P], Awaited[T]]":
    @like(flow)
    async def method(
        self: "AsyncKantorClient", /, *args: P.args, **options: P.kwargs
    ) -> T:
        return await self._run(flow(*args, **options))

    return method


def _job_method(
    flow: Callable[P, Flow[Document]],
) -> "Callable[Concatenate[AsyncKantorClient, P], Awaited[AsyncJob]]":
    @like(flow)
    async def method(
        self: "AsyncKantorClient", /, *args: P.args, **options: P.kwargs
    ) -> AsyncJob:
        return AsyncJob(self, await self._run(flow(*args, **options)))

    return method


def _jobs_method(
    flow: Callable[P, Flow[list[Document]]],
) -> "Callable[Concatenate[AsyncKantorClient, P], Awaited[list[AsyncJob]]]":
    @like(flow)
    async def method(
        self: "AsyncKantorClient", /, *args: P.args, **options: P.kwargs
    ) -> list[AsyncJob]:
        found = await self._run(flow(*args, **options))
        return [AsyncJob(self, document) for document in found]

    return method


def _of_job(
    flow: Callable[Concatenate[JobState, P], Flow[T]],
) -> Callable[Concatenate["AsyncJob", P], Awaited[T]]:
    @like(flow)
    async def method(self: "AsyncJob", /, *args: P.args, **options: P.kwargs) -> T:
        return await self._client._run(flow(self, *args, **options))

    return method


def _changing(
    flow: Callable[Concatenate[JobState, P], Flow[None]],
) -> Callable[Concatenate["AsyncJob", P], Awaited["AsyncJob"]]:
    @like(flow)
    async def method(
        self: "AsyncJob", /, *args: P.args, **options: P.kwargs
    ) -> "AsyncJob":
        await self._client._run(flow(self, *args, **options))
        return self

    return method


class AsyncJob(JobState):
    """A job of the service; what it says is as of the last look at it.

        job = await client.submit(x, y)
        await job.wait()
        print(job.result)

    Args:
        client: That asks about it.
        document: What is known of it, its `id` at least.
    """

    def __init__(self, client: "AsyncKantorClient", document: Document) -> None:
        super().__init__(document)
        self._client = client

    refresh = _changing(job_flows.refresh)
    wait = _changing(job_flows.wait)
    cancel = _changing(job_flows.cancel)
    delete = _of_job(job_flows.delete)
    curve = _of_job(job_flows.curve)
    differences = _of_job(job_flows.differences)
    critic = _of_job(job_flows.critic)
    report = _of_job(job_flows.report)
    scores = _of_job(job_flows.scores)

    def events(self, *, after: str | None = None) -> AsyncIterator[Event]:
        """Yield what happens to the job, from its submission until its end.

        A broken connection is taken up again where it broke off.

        Args:
            after: Id of an event; those before it, and itself, are left out.
        """
        return self._client.events(self.id, after=after)


class AsyncKantorClient:
    """Talk to one service from a coroutine; `KantorClient`, to be awaited.

        async with AsyncKantorClient("http://127.0.0.1:8000") as client:
            job = await client.submit(x, y)
            print((await job.wait()).result)

    Args:
        base_url: Address of the service, without `/v1`.
        api_key: Key sent as a bearer token, where the service asks for one.
        timeout_s: Longest silence of the service within one request.
        retries: When a request is sent again; nothing is done twice.
        transport: Of httpx, for tests and for proxies.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 30.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._retries = retries or Retries()
        self._timeout_s = timeout_s
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=timeout_s, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.base_url}>"

    @property
    def base_url(self) -> str:
        """Address of the service."""
        return str(self._http.base_url)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    request = _method(flows.request)
    info = _method(flows.info)
    health = _method(flows.health)
    ready = _method(flows.ready)
    metrics = _method(flows.metrics)
    settings = _method(flows.settings)
    webhook_secrets = _method(flows.webhook_secrets)
    drain = _method(flows.drain)
    drained = _method(flows.drained)
    end_drain = _method(flows.end_drain)

    upload_dataset = _method(flows.upload_dataset)
    dataset = _method(flows.dataset)
    rows = _method(flows.rows)
    delete_dataset = _method(flows.delete_dataset)

    name_dataset = _method(flows.name_dataset)
    references = _method(flows.references)
    reference = _method(flows.reference)
    forget_reference = _method(flows.forget_reference)

    start_upload = _method(flows.start_upload)
    upload = _method(flows.upload)
    send_batch = _method(flows.send_batch)
    complete_upload = _method(flows.complete_upload)
    drop_upload = _method(flows.drop_upload)

    submit = _job_method(flows.submit)
    job = _job_method(flows.job)
    jobs = _jobs_method(flows.jobs)
    answers = _method(flows.answers)

    async def wait(self, job_id: str | JobState, **options: Any) -> AsyncJob:
        """Wait for a job by its id; see `AsyncJob.wait`."""
        return await self._known(job_id).wait(**options)

    async def cancel(self, job_id: str | JobState) -> AsyncJob:
        """Ask for a job's end; see `AsyncJob.cancel`."""
        return await self._known(job_id).cancel()

    async def delete(self, job_id: str | JobState) -> bool:
        """Forget a job; see `AsyncJob.delete`."""
        return await self._known(job_id).delete()

    async def curve(
        self, job_id: str | JobState, form: job_flows.Form = "json"
    ) -> bytes:
        """Return a job's training curve; see `AsyncJob.curve`."""
        return await self._known(job_id).curve(form)

    async def differences(
        self, job_id: str | JobState, form: job_flows.Form = "json"
    ) -> bytes:
        """Return where a job's samples differ; see `AsyncJob.differences`."""
        return await self._known(job_id).differences(form)

    async def critic(self, job_id: str | JobState) -> bytes:
        """Return a job's critic; see `AsyncJob.critic`."""
        return await self._known(job_id).critic()

    async def report(self, job_id: str | JobState) -> str:
        """Return a job's report; see `AsyncJob.report`."""
        return await self._known(job_id).report()

    async def scores(self, job_id: str | JobState, samples: Any) -> NDArray[np.float64]:
        """Return the critic's value of each sample; see `AsyncJob.scores`."""
        return await self._known(job_id).scores(samples)

    async def events(
        self, job_id: str | JobState, *, after: str | None = None
    ) -> AsyncIterator[Event]:
        """Yield what happens to a job until its end; see `AsyncJob.events`."""
        job = flows.state_of(job_id)
        reader = EventReader(job.id, after, self._retries, self.base_url)
        while not reader.ended:
            cause: httpx.Response | httpx.HTTPError | None = None
            call = reader.call()
            try:
                async with self._http.stream(
                    call.method, call.path, headers=dict(call.headers)
                ) as response:
                    if response.is_error:
                        await response.aread()
                        cause = response
                    else:
                        async for line in response.aiter_lines():
                            event = reader.feed(line)
                            if event is not None:
                                yield event
            except httpx.TransportError as error:
                cause = error
            if not reader.ended:
                await asyncio.sleep(reader.broke(cause))

    def _known(self, job_id: str | JobState) -> AsyncJob:
        if isinstance(job_id, AsyncJob):
            return job_id
        return AsyncJob(self, flows.state_of(job_id).document)

    async def _run(self, flow: Flow[T]) -> T:
        """Take a flow's steps one after the other."""
        steps = with_retries(flow, self._retries, self.base_url)
        reply: Reply = None
        try:
            while True:
                reply = await self._take(steps.send(reply))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _take(self, step: Call | Pause) -> Reply:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self._http.request(
                step.method,
                step.path,
                params=step.params,
                json=step.json,
                content=None if step.content is None else _sent(step.content()),
                headers=dict(step.headers),
                timeout=self._timeout_s + step.more_time_s,
            )
        except httpx.HTTPError as error:
            return error


async def _sent(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block
        await asyncio.sleep(0)  # others have their turn
