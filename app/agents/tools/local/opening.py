"""The tools of this package, for one process."""

from app.agents.databases.reading import Reading
from app.agents.sandbox.sandbox import Sandbox
from app.agents.tools.builtin import Builtin
from app.agents.tools.local.calculator import Calculator
from app.agents.tools.local.code import RunCode
from app.agents.tools.local.date_time import DateTime
from app.agents.tools.local.documents import Documents
from app.agents.tools.local.knowing import LookUpTerm, SearchKnowledge
from app.agents.tools.local.reading import ListDocuments, ReadDocument
from app.agents.tools.local.sql import DescribeDatabase, QueryDatabase
from app.core.kernel import Kernel
from app.knowledge.knowledge import Knowledge
from app.knowledge.storage.files import Files


def local_tools(
    kernel: Kernel, knowledge: Knowledge, files: Files, databases: Reading
) -> tuple[Builtin, ...]:
    documents = Documents(kernel.database, files, kernel.cursors)
    return (
        Calculator(),
        DateTime(),
        RunCode(Sandbox(), documents),
        ListDocuments(documents),
        ReadDocument(documents),
        SearchKnowledge(knowledge.searching, documents),
        LookUpTerm(knowledge.searching),
        DescribeDatabase(kernel.database, databases),
        QueryDatabase(kernel.database, databases),
    )
