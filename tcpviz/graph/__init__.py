"""graph: the table as a graph. What pictures need (`edges`, `walks`, `coverage`) is made of plain values; paths,
reachability and planarity are `tcpviz.graph.questions`, which alone imports networkx.
"""

from tcpviz.graph.edges import Edge, edges, walk
from tcpviz.graph.walks import Walk, Walks, coverage, steps, walks

__all__ = ["Edge", "Walk", "Walks", "coverage", "edges", "steps", "walk", "walks"]
