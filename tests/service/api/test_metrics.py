import httpx
from prometheus_client.parser import text_string_to_metric_families

Rows = list[list[float]]


def metrics(api: httpx.Client) -> dict[str, float]:
    families = text_string_to_metric_families(api.get("/metrics").text)
    return {
        ",".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_follow_the_queue(api: httpx.Client, rows: Rows) -> None:
    body = {"source": {"samples": rows}, "target": {"samples": rows}}
    job = api.post("/v1/jobs", json=body).json()
    waiting = metrics(api)
    api.post(job["links"]["cancel"])
    ended = metrics(api)
    assert (waiting["kantor_jobs_queued"], ended["kantor_jobs_queued"]) == (1, 0)
    assert waiting["kantor_queue_events_total,submitted"] == 1
    assert ended["kantor_jobs_ended_total,cancelled"] == 1
