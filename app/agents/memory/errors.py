"""What can be wrong with memories and blocks."""

from app.core.errors import (
    Conflict,
    FieldError,
    NotFound,
    Unprocessable,
    UpstreamFailed,
)


class MemoryNotFound(NotFound):
    code = "memory_not_found"
    title = "There is no such memory"


class TooManyMemories(Conflict):
    code = "too_many_memories"
    title = "There are as many memories as there may be; forget some"


class MemoryChangedSince(Conflict):
    """The last change touched several memories, and one of them was changed again."""

    code = "memory_changed_since"
    title = "Another change came after the one that is to be undone"


class NotProposed(Conflict):
    code = "memory_not_proposed"
    title = "The memory is no proposal"


class PeriodInvalid(Unprocessable):
    code = "memory_period_invalid"
    title = "A memory must hold for some time"

    def __init__(self) -> None:
        wrong = FieldError("/body/valid_to", self.code, "must be after `valid_from`")
        super().__init__("`valid_to` must be after `valid_from`.", errors=(wrong,))


class FactIncomplete(Unprocessable):
    code = "memory_fact_incomplete"
    title = "A structured fact has a subject, a predicate and an object"

    def __init__(self) -> None:
        wrong = FieldError("/body/predicate", self.code, "goes with `subject` and `object`")
        super().__init__(
            "Give all of `subject`, `predicate` and `object`, or none.", errors=(wrong,)
        )


class BlockNotFound(NotFound):
    code = "memory_block_not_found"
    title = "There is no such block"


class BlockLabelTaken(Conflict):
    code = "memory_block_label_taken"
    title = "Another block has this label"


class TooManyBlocks(Conflict):
    code = "too_many_memory_blocks"
    title = "The workspace has as many blocks as it may"


class ExtractionOff(Conflict):
    code = "memory_extraction_off"
    title = "The workspace draws no facts from what people say"


class ExtractionBudgetSpent(Conflict):
    """The workspace's own bound for extraction, which has a new day at midnight UTC."""

    code = "memory_extraction_budget_spent"
    title = "The day's budget for drawing facts is spent"


class ExtractionMade(Conflict):
    code = "memory_extraction_made"
    title = "Facts were drawn from this before"


class ExtractionUnreadable(UpstreamFailed):
    code = "memory_extraction_unreadable"
    title = "The model's answer is not what it was asked for"
