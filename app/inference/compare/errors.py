"""What can be wrong with a comparison."""

from app.core.errors import Conflict, NotFound, Unavailable, Unprocessable, UpstreamFailed


class ComparisonNotFound(NotFound):
    code = "comparison_not_found"
    title = "There is no such comparison"


class ComparisonUnderWay(Conflict):
    code = "comparison_under_way"
    title = "The models have not finished their answers yet"


class ChoiceMade(Conflict):
    code = "choice_made"
    title = "The winner of this comparison has been chosen"


class ChoiceInvalid(Unprocessable):
    code = "choice_invalid"
    title = "This answer cannot win"


class NothingAnswered(UpstreamFailed):
    """Every candidate failed; each one's own error is with it."""

    code = "nothing_answered"
    title = "None of the models answered"


class ComparisonUnfinished(Unavailable):
    code = "comparison_unfinished"
    title = "The service is stopping; the comparison goes on after its next start"


class LedgerBehind(Unavailable):
    """Nothing was chosen: routes learn from the calls, and those are not to be had."""

    code = "ledger_behind"
    title = "The calls of this comparison cannot be looked up now"
