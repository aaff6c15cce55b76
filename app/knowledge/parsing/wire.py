"""What passes between the service and the process that readers are forked from."""

import struct
from typing import Final

HEAD: Final = struct.Struct("<I")
# That it ended, how as `waitpid` tells it, its largest size in KiB, and its CPU time in ms.
ENDED: Final = struct.Struct("<8siQQ")
# The first byte of every reader: from here on its document's clock runs.
BEGUN: Final = b"B"
END_MARK: Final = b"\x00ENDED\x00\x00"
PARSED: Final = b"P"
REFUSED: Final = b"R"
