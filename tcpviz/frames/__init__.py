"""Files and interfaces become Captures, and the other way round. scapy's one home.

Imports `exchange`, `model` and `errors`; knows no connection, no scenario and no command line.
"""

from tcpviz.frames.building import frames_of
from tcpviz.frames.decoding import Skipped, decode
from tcpviz.frames.dissecting import dissect
from tcpviz.frames.folder import capture_files
from tcpviz.frames.live import Listener
from tcpviz.frames.reading import Reading, pick, read, stream
from tcpviz.frames.record import ETHERNET, Record, record_of
from tcpviz.frames.source import Collector, Source
from tcpviz.frames.writing import Format, Writer, write

__all__ = [
    "ETHERNET",
    "Collector",
    "Format",
    "Listener",
    "Reading",
    "Record",
    "Skipped",
    "Source",
    "Writer",
    "capture_files",
    "decode",
    "dissect",
    "frames_of",
    "pick",
    "read",
    "record_of",
    "stream",
    "write",
]
