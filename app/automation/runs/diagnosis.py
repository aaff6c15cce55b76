"""What is certain about a run that failed: findings with their evidence, and what to try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from app.automation.engine.errors import failed_path
from app.automation.engine.models import WorkflowRun, WorkflowStep, WorkflowWait
from app.automation.language.flow import Node
from app.automation.runs.advising import Advising
from app.automation.runs.comparison import between, between_definitions
from app.automation.runs.evidence_crud import Before
from app.automation.runs.explain_schemas import Advice, Evidence, Finding
from app.automation.runs.previews import cut
from app.runs.runs.models import Run

# Of so many ends of a node, how many failures are often.
OFTEN: Final = 0.3
FEW: Final = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a diagnosis looks at; `culprit` is the step that the run failed by."""

    run: Run
    workflow_run: WorkflowRun
    culprit: WorkflowStep | None
    node: Node | None
    attempts: Sequence[WorkflowStep] = ()
    handled: Sequence[WorkflowStep] = ()
    waits: Sequence[WorkflowWait] = ()
    empty: Sequence[WorkflowStep] = ()
    before: Sequence[Before] = ()
    success: WorkflowRun | None = None
    seqs: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Diagnosis:
    """Findings in the order in which they were made, and what follows from them."""

    facts: Facts
    findings: list[Finding] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return self.findings[0].detail if self.findings else "Nothing of it has failed."

    def found(
        self,
        code: Any,
        detail: str,
        *,
        path: str | None = None,
        steps: Sequence[WorkflowStep] = (),
        runs: Sequence[UUID] = (),
        values: Mapping[str, Any] | None = None,
    ) -> str:
        finding = Finding(
            id=f"F{len(self.findings) + 1}",
            code=code,
            detail=detail,
            path=path,
            evidence=Evidence(
                step_ids=[step.id for step in steps],
                run_ids=list(runs),
                seqs=list(self.facts.seqs.get(path or "", ())),
                values={name: cut(value) for name, value in (values or {}).items()},
            ),
        )
        self.findings.append(finding)
        return finding.id


def diagnose(facts: Facts) -> Diagnosis:
    """From the facts alone: the same facts, the same diagnosis."""
    diagnosis = Diagnosis(facts)
    advising = Advising(diagnosis.advice, facts.run.id)
    _what_failed(diagnosis, advising)
    if facts.culprit is not None:
        _how_it_was_tried(diagnosis, advising, facts.culprit)
        _how_it_went_before(diagnosis, advising, facts.culprit)
    _what_changed(diagnosis, advising)
    _what_was_empty(diagnosis, advising)
    for step in facts.handled:
        said = f"`{step.path}` failed too, and the definition took care of it."
        diagnosis.found(
            "step_handled", said, path=step.path, steps=[step], values={"error": step.error}
        )
    for wait in facts.waits:
        until = f" until {wait.until.isoformat()}" if wait.until else ""
        said = f"`{wait.path}` waits for {_AWAITED.get(wait.kind, wait.kind)}{until}."
        mark = diagnosis.found("waiting", said, path=wait.path, values={"kind": wait.kind})
        advising.for_wait(wait, mark)
    return diagnosis


_AWAITED: Final = {
    "approval": "a person", "event": "an event", "run": "another run", "time": "its time",
}  # fmt: skip


def _what_failed(diagnosis: Diagnosis, advising: Advising) -> None:
    run, culprit = diagnosis.facts.run, diagnosis.facts.culprit
    error = run.error
    if error is None:
        return
    if culprit is None:
        path = failed_path(error)
        detail = f"The run failed with `{error['code']}`: {error['detail']}"
        mark = diagnosis.found("run_failed", detail, path=path, values={"error": error})
        advising.for_run(error["code"], mark)
        return
    told = culprit.error or {}
    detail = (
        f"`{culprit.path}` ({culprit.node_type}) failed with `{told.get('code')}`: "
        f"{told.get('message', '')}"
    )
    mark = diagnosis.found(
        "step_failed",
        detail,
        path=culprit.path,
        steps=[culprit],
        values={"error": told, "input": culprit.input, "logs": culprit.logs[-5:]},
    )
    advising.for_step(culprit.node_id, told, mark)


def _how_it_was_tried(diagnosis: Diagnosis, advising: Advising, culprit: WorkflowStep) -> None:
    facts = diagnosis.facts
    retry = facts.node.retry if facts.node else None
    retryable = bool((culprit.error or {}).get("retryable"))
    if retry is None and retryable:
        said = "The error says that the same may succeed later, and the node has no `retry`."
        mark = diagnosis.found("no_retry", said, path=culprit.path, steps=[culprit])
        advising.add_retry(culprit.node_id, mark)
    elif len(facts.attempts) > 1:
        codes = sorted({str((step.error or {}).get("code")) for step in facts.attempts})
        said = f"{len(facts.attempts)} attempts failed, with {', '.join(codes)}."
        diagnosis.found(
            "attempts_used", said, path=culprit.path, steps=facts.attempts, values={"codes": codes}
        )


def _how_it_went_before(diagnosis: Diagnosis, advising: Advising, culprit: WorkflowStep) -> None:
    before = diagnosis.facts.before
    if not before:
        return
    failed = [each for each in before if each.status == "error"]
    code = (culprit.error or {}).get("code")
    alike = sum(each.code == code for each in failed)
    counted = {"ends": len(before), "failed": len(failed), "with_this_code": alike}
    runs = list(dict.fromkeys(each.run_id for each in failed))[:10]
    if not failed:
        said = f"The node had not failed in {len(before)} earlier ends."
        diagnosis.found("first_failure", said, path=culprit.path, values=counted)
        return
    if len(failed) == len(before) and len(before) >= FEW:
        said = f"The node has failed every time before: {len(failed)} of {len(before)} ends."
        mark = diagnosis.found("fails_always", said, path=culprit.path, runs=runs, values=counted)
        advising.mend_node(culprit.node_id, mark)
    elif len(failed) / len(before) >= OFTEN:
        said = f"The node fails often: {len(failed)} of {len(before)} earlier ends."
        diagnosis.found("fails_often", said, path=culprit.path, runs=runs, values=counted)


def _what_changed(diagnosis: Diagnosis, advising: Advising) -> None:
    facts, success = diagnosis.facts, diagnosis.facts.success
    if success is None or facts.run.error is None:
        return
    changes = between_definitions(success, facts.workflow_run)
    if changes:
        said = (
            f"The definition differs from that of the last run that succeeded (version "
            f"{success.workflow_version}; this one followed {facts.workflow_run.workflow_version})."
        )
        told = [change.model_dump(mode="json") for change in changes[:20]]
        mark = diagnosis.found(
            "changed_since_success", said, runs=[success.id], values={"changes": told}
        )
        advising.go_back(success, mark)
        return
    inputs = between(success.inputs, facts.workflow_run.inputs)
    if inputs:
        said = "The definition is that of the last run that succeeded; its inputs were others."
        told = [change.model_dump(mode="json") for change in inputs[:20]]
        diagnosis.found("inputs_changed", said, runs=[success.id], values={"changes": told})


def _what_was_empty(diagnosis: Diagnosis, advising: Advising) -> None:
    for step in diagnosis.facts.empty:
        said = f"`{step.path}`, which the step that failed refers to, gave nothing."
        mark = diagnosis.found(
            "upstream_empty", said, path=step.path, steps=[step], values={"output": step.output}
        )
        advising.look_upstream(step.node_id, mark)
