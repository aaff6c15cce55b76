"""What to try, by what was found."""

from typing import Any, Final
from uuid import UUID

from app.automation.engine.models import WorkflowRun, WorkflowWait
from app.automation.runs.explain_schemas import Advice

_RETRY: Final = "workflow_runs_retry"
_RERUN: Final = "workflow_runs_rerun"
# By the code of a step's error: what it calls for beside another try.
BY_CODE: Final = {
    "timeout": "Give the node a longer `timeout`, or have it do less at once.",
    "provider_rate_limited": "Fewer at once: a lower `concurrency` of its map, or `settings.rate`.",
    "rate_limited": "Fewer at once: a lower `concurrency` of its map, or `settings.rate`.",
    "breaker_open": "The breaker of this key is open: look at what failed before it opened.",
    "interrupted": "The server stopped in the middle of it. Look whether it has had its effect "
    "before it is done again: it says that it must not be done twice.",
    "settings_invalid": "What its `with` came to does not fit the node type: look at the values "
    "that its templates gave.",
    "prompt_failed": "Its prompt cannot be written with these values: allow for what is missing.",
    "http_status": "Look at the status and the body in the error's detail: a 4xx calls for "
    "another request, a 5xx for another try.",
    "outbound_failed": "The address could not be reached from here: look at it, and at whether "
    "the operator allows it.",
    "address_refused": "The operator does not allow this address.",
    "provider_auth_failed": "The provider refused the key of its integration.",
    "context_too_long": "It was shown more than the model takes: pass it less, or another model.",
    "code_error": "The code itself failed: its traceback is in the error's detail.",
    "too_many_items": "Split what is given to the map.",
    "expression_failed": "An expression of the node cannot be worked out for these values: allow "
    "for what may be missing, with `has(…)` or `orValue(…)`.",
    "output_invalid": "What it gave does not fit its schema: mend the schema, or what it asks for.",
    "output_too_large": "Have it give less: filter or page at the source.",
    "permission_denied": "Whoever began the run lacks a permission that the step takes.",
    "agent_limit_reached": "The agent came to a limit of its own definition: raise it.",
    "budget_exceeded": "A budget is used up: raise it, or wait for its next period.",
}
BY_RUN_CODE: Final = {
    "workflow_timed_out": "Raise `settings.timeout`, or see in the timeline where time went.",
    "workflow_too_many_steps": "Raise `settings.max_steps`, or bound a loop or a map.",
    "workflow_output_invalid": "What `outputs` came to does not satisfy `output_schema`.",
    "run_interrupted": "The processes that worked on it died; see the server's log, and retry it.",
}


class Advising:
    """Adds advice to a list, each thing once."""

    def __init__(self, advice: list[Advice], run_id: UUID) -> None:
        self._advice = advice
        self._run_id = run_id

    def for_step(self, node_id: str, error: dict[str, Any], mark: str) -> None:
        code = str(error.get("code"))
        if code in BY_CODE:
            self._add(code, BY_CODE[code], mark)
        if error.get("retryable"):
            said = "The same may succeed now: have the run go on from what failed."
        else:
            said = "Once its cause is mended outside, have the run go on from what failed."
        self._add("retry", said, mark, _RETRY, {})
        said = "Or change the node and run again from it: what was paid for before it is kept."
        self._add("rerun_changed", said, mark, _RERUN, {"from": [node_id]})

    def for_run(self, code: str, mark: str) -> None:
        if code in BY_RUN_CODE:
            self._add(code, BY_RUN_CODE[code], mark)
        self._add("retry", "Have the run go on from what failed.", mark, _RETRY, {})

    def for_wait(self, wait: WorkflowWait, mark: str) -> None:
        if wait.kind == "approval":
            said = f"Decide the task {wait.id}."
            self._add("decide", said, mark, "tasks_decide", {"decision": "approve"})

    def add_retry(self, node_id: str, mark: str) -> None:
        said = f'Give `{node_id}` a `retry`, such as {{"max": 3, "delay": "5s"}}.'
        self._add("add_retry", said, mark)

    def mend_node(self, node_id: str, mark: str) -> None:
        said = f"Trying again will hardly help: `{node_id}` itself has to be changed."
        self._add("mend_node", said, mark)

    def go_back(self, success: WorkflowRun, mark: str) -> None:
        if success.workflow_version is not None:
            said = f"Run it with version {success.workflow_version}, which succeeded."
            body = {"version": success.workflow_version}
            self._add("earlier_version", said, mark, _RERUN, body)

    def look_upstream(self, node_id: str, mark: str) -> None:
        said = f"Look at why `{node_id}` gave nothing, or have an edge's `when` allow for it."
        self._add("look_upstream", said, mark)

    def _add(
        self,
        code: str,
        detail: str,
        mark: str,
        operation_id: str | None = None,
        body: dict[str, Any] | None = None,
    ) -> None:
        for known in self._advice:
            if (known.code, known.detail) == (code, detail):
                known.because.append(mark)
                return
        self._advice.append(
            Advice(code=code, detail=detail, because=[mark], operation_id=operation_id, body=body)
        )
